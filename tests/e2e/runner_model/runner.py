"""A runner installation in a folder, and the jobs it is given."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import time
from typing import Any

from . import leaks, yaml_files
from .contexts import Event
from .docker import docker, networks
from .job import Job, Plan, Settings
from .layout import Layout
from .matrix import combinations
from .results import JobResult
from .users import give_to_runner

LEAK_SECONDS = 5.0


class JobHandle:
    """A job that runs in its own thread."""

    def __init__(self, job: Job, log_file: pathlib.Path):
        self.job = job
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._log_file = log_file
        job.sink = self._line
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _line(self, text: str) -> None:
        with self._changed:
            with open(self._log_file, "a", encoding="utf-8", errors="replace") as log:
                log.write(text + "\n")
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self.job.run()
        except BaseException as error:  # shown to whoever waits
            self._error = error
        with self._changed:
            self._changed.notify_all()

    def wait_for_line(self, text: str, seconds: float = 60) -> str:
        """Returns the first line that holds `text`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for line in self.job.result.lines:
                    if text in line:
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or not self._thread.is_alive():
                    raise TimeoutError(f"no line with {text!r} in:\n{self.job.result.log}")
                self._changed.wait(min(left, 0.5))

    def running(self) -> bool:
        return self._thread.is_alive()

    def cancel(self) -> None:
        self.job.cancel()

    def shut_down(self) -> None:
        self.job.shut_down()

    def wait(self, seconds: float = 900) -> JobResult:
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"the job still runs after {seconds} s:\n{self.job.result.log}")
        if self._error is not None:
            raise self._error
        return self.job.result


class Runner:
    """`sources` maps repositories to the trees that a checkout copies (a single
    path means our own repository), `repositories` those that `uses:` names.
    `image` takes the place of every build from a Dockerfile. `path` comes before
    the system's folders for steps on the host."""

    def __init__(self, folder: os.PathLike | str | None = None, *, fresh: bool = True,
                 sources: dict[str, Any] | os.PathLike | str | None = None, **settings: Any):
        self.settings = Settings(**settings)
        if sources is not None and not isinstance(sources, dict):
            sources = {self.settings.repository: sources}
        self.settings.sources = {k: pathlib.Path(v) for k, v in (sources or {}).items()}
        if folder is None:
            folder = tempfile.mkdtemp(prefix="hearth-runner-")
        self.folder = pathlib.Path(folder).resolve()
        if fresh and self.folder.exists():
            shutil.rmtree(self.folder)
        self.layout = Layout(self.folder, self.settings.repository)
        self.layout.create()
        self.tracking_ids: list[str] = []

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self, path: os.PathLike | str, job: str | None = None, *,
              matrix: dict[str, Any] | None = None, event: Event | dict[str, Any] | None = None,
              needs: dict[str, Any] | None = None,
              inputs: dict[str, Any] | None = None) -> JobHandle:
        return self.start_document(yaml_files.load(path), pathlib.Path(path).name, job,
                                   matrix=matrix, event=event, needs=needs, inputs=inputs)

    def start_document(self, workflow: dict[str, Any], file: str, job: str | None = None,
                       **given: Any) -> JobHandle:
        jobs = workflow["jobs"]
        name = job or next(iter(jobs))
        plan = Plan(workflow, file, name, given.get("matrix"), Event.of(given.get("event")),
                    given.get("needs") or {}, given.get("inputs") or {})
        self.give_workspace()
        started = Job(self.settings, self.layout, plan, lambda _: None)
        self.tracking_ids.append(started.tracking_id)
        return JobHandle(started, self.folder / "job.log")

    def run_workflow(self, path: os.PathLike | str, job: str | None = None,
                     **given: Any) -> JobResult:
        return self.start(path, job, **given).wait()

    def run_text(self, text: str, job: str | None = None, **given: Any) -> JobResult:
        return self.start_text(text, job, **given).wait()

    def start_text(self, text: str, job: str | None = None, **given: Any) -> JobHandle:
        return self.start_document(yaml_files.load_text(text), "test.yml", job, **given)

    def run_all(self, path: os.PathLike | str, **given: Any) -> list[JobResult]:
        """Every job of a workflow with every combination of its matrix, one after
        the other; a job comes after those it needs."""
        jobs = yaml_files.load(path)["jobs"]
        waiting, done, results = list(jobs), {}, []
        while waiting:
            ready = [n for n in waiting if all(d in done for d in needs_of(jobs[n]))]
            if not ready:
                raise ValueError(f"jobs {waiting} need each other")
            name = ready[0]
            waiting.remove(name)
            needs = {d: done[d] for d in needs_of(jobs[name])}
            mine = [self.run_workflow(path, name, matrix=matrix, needs=needs, **given)
                    for matrix in combinations(jobs[name].get("strategy"))]
            bad = [r.conclusion for r in mine if r.conclusion != "success"]
            done[name] = {"result": bad[0] if bad else "success",
                          "outputs": {k: v for r in mine for k, v in r.outputs.items()}}
            results += mine
        return results

    def give_workspace(self) -> None:
        """A runner whose workspace someone deleted makes it again."""
        for path in (self.layout.runner_workspace, self.layout.workspace):
            if not path.exists():
                path.mkdir()
                give_to_runner(path)

    def leftovers(self, *, but: tuple[str, ...] = (), seconds: float = LEAK_SECONDS) -> list[str]:
        """What the jobs left behind, given a few seconds to go away; `but` names
        beginnings of what the test expects."""
        def find() -> list[str]:
            found = leaks.leftovers(self.layout, self.tracking_ids)
            return [f for f in found if not f.startswith(but)] if but else found
        return leaks.until_gone(find, seconds)

    def remove(self) -> None:
        """Ends whatever is left and deletes the folder, as root."""
        for identifier, _ in leaks.owned_containers(self.layout):
            docker("rm", "--force", identifier, check=False)
        for network in networks(f"label={self.layout.label()}"):
            docker("network", "rm", network, check=False)
        built = docker("images", "--format", "{{.Repository}}:{{.Tag}}", self.layout.label())
        if built:
            docker("rmi", *built.split(), check=False)
        for pid in leaks.owned_processes(self.layout, self.tracking_ids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        leaks.until_gone(lambda: [str(p) for p in leaks.owned_processes(
            self.layout, self.tracking_ids)], LEAK_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


def needs_of(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs") or []
    return [needs] if isinstance(needs, str) else list(needs)
