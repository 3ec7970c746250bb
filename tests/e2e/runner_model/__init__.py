"""A model of the GitHub Actions runner, faithful where container actions look.

It runs real containers with the runner's own `docker run` line, mounts,
environment and signals, and host steps as an unprivileged user. The facts it
follows were read in actions/runner 2.336.0; each module names its own.

    runner = Runner(folder, repositories={"acme/hearth": source_tree})
    result = runner.run_workflow(path_to_yaml, job="build", matrix={"rust": "1.95"})
    assert result.conclusion == "success", result.log
    assert not runner.leftovers()
"""

from .results import Annotation, JobResult, StepResult
from .runner import Runner

__all__ = ["Annotation", "JobResult", "Runner", "StepResult"]
