"""One stage of one step: what it runs, and what comes of it.

Sources: RW/ActionRunner.cs (stages, conditions, file commands in a `finally`),
RW/StepsRunner.cs (conditions, time limits, `continue-on-error`).
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import process, scripts
from .actions import ActionError, Reference
from .container_action import (Stage, Translation, action_mounts, cli_environment, input_values)
from .expression_functions import to_text
from .expressions import ExpressionError, condition, interpolate, truthy
from .file_commands import FileCommands
from .log_commands import StepLog
from .manifest import Manifest, ManifestError
from .results import StepResult

if TYPE_CHECKING:
    from .job import Job


@dataclass
class Step:
    """A step of the workflow; pre, main and post share its state."""

    spec: dict[str, Any]
    id: str
    context_name: str
    reference: Reference | None
    manifest: Manifest | None = None
    image: str = ""
    state: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    post_registered: bool = False

    def name(self) -> str:
        text = self.spec.get("name") or self.spec.get("uses") or self.spec.get("run", "")
        return to_text(text).strip().splitlines()[0] if text else ""


def steps_of(job_spec: dict[str, Any]) -> list[Step]:
    steps: list[Step] = []
    used: dict[str, int] = {}
    for spec in job_spec.get("steps") or []:
        if ("uses" in spec) == ("run" in spec):
            raise ValueError(f"a step needs either uses or run: {spec}")
        reference = Reference.parse(spec["uses"]) if "uses" in spec else None
        name = "__run" if reference is None else context_name(reference)
        used[name] = used.get(name, 0) + 1
        generated = name if used[name] == 1 else f"{name}_{used[name]}"
        steps.append(Step(spec, spec.get("id", ""), spec.get("id") or generated, reference))
    return steps


def context_name(reference: Reference) -> str:
    if reference.kind == "local":
        return "__self"
    return "__" + "".join(c if c.isalnum() else "_" for c in reference.name)


class StageRun:
    """Carries out one stage. `run` never raises for what a workflow can cause."""

    def __init__(self, job: "Job", step: Step, stage: str):
        self.job, self.step, self.stage = job, step, stage
        self.result = StepResult(step.name(), step.id, stage)
        translation = Translation(action_mounts(job.layout))
        self.log = StepLog(self.result, job.masks, job.emit, translation.to_host)
        self.cancel = threading.Event()
        self.env: dict[str, str] = {}

    def wanted(self) -> bool:
        try:
            self.env = self.job.step_environment(self.step)
            evaluator = self.job.evaluator(self.step, self.env)
            if self.stage == "main":
                return condition(self.step.spec.get("if"), evaluator)
            assert self.step.manifest is not None
            return condition(self.step.manifest.conditions[self.stage], evaluator)
        except ExpressionError as error:
            self.fail(f"The template is not valid. {error}")
            return False

    def run(self) -> StepResult:
        started = time.monotonic()
        self.job.emit(f"--- {self.stage} {self.step.name()}")
        files = FileCommands(self.job.layout)
        try:
            self.result.outcome = "success"
            self.execute(files)
        except (ActionError, ManifestError, ExpressionError, ValueError) as error:
            self.fail(str(error))
        finally:
            self.collect(files)
        if self.log.failed and self.result.outcome == "success":
            self.result.outcome = "failure"
        self.conclude()
        self.result.seconds = time.monotonic() - started
        return self.result

    def fail(self, message: str) -> None:
        self.result.outcome = self.result.conclusion = "failure"
        self.log.annotate("error", message, {})

    def conclude(self) -> None:
        self.result.conclusion = self.result.outcome
        if self.result.outcome == "failure":
            tolerated = interpolate(self.step.spec.get("continue-on-error", False),
                                    self.job.evaluator(self.step, self.env))
            if tolerated == "true" or (not isinstance(tolerated, str) and truthy(tolerated)):
                self.result.conclusion = "success"

    def collect(self, files: FileCommands) -> None:
        written = files.collect()
        self.job.env.update(written.env)
        self.job.prepend(written.path)
        self.result.outputs.update(written.output)
        self.step.state.update({**self.log.state, **written.state})
        self.result.summary = self.job.masks.apply(written.summary)
        for message in [*written.errors, *written.failures]:
            self.log.annotate("error", message, {})
        if written.failures:
            self.result.outcome = "failure"

    def execute(self, files: FileCommands) -> None:
        reference = self.step.reference
        if reference is None:
            request = self.script_request(files)
        elif reference.kind == "builtin":
            with_values = self.with_values()
            for line in self.job.builtins.run(reference, with_values):
                self.log.line(line)
            return
        else:
            request = self.action_request(files)
        minutes = self.step.spec.get("timeout-minutes")
        if minutes is not None:
            minutes = float(to_text(interpolate(minutes, self.job.evaluator(self.step, self.env))))
            request.timeout_seconds = minutes * 60
        self.settle(process.run(request), minutes)

    def settle(self, ended: process.Ended, minutes: float | None) -> None:
        self.result.exit_code = ended.exit_code
        if ended.signals:
            self.job.emit(f"sent {', '.join(ended.signals)}; exit code {ended.exit_code}")
        if ended.timed_out:
            self.fail(f"The action '{self.step.name()}' has timed out after {minutes} minutes.")
        elif ended.cancelled:
            self.result.outcome = "cancelled"
            self.log.annotate("error", "The operation was canceled.", {})
        elif ended.exit_code != 0:
            what = "Docker run" if self.step.reference else "Process completed"
            self.fail(f"{what} failed with exit code {ended.exit_code}" if self.step.reference
                      else f"{what} with exit code {ended.exit_code}.")

    def with_values(self) -> dict[str, str]:
        evaluator = self.job.evaluator(self.step, self.env)
        given = interpolate(self.step.spec.get("with") or {}, evaluator)
        return {name: to_text(value) for name, value in given.items()}

    def variables(self, files: FileCommands) -> dict[str, str]:
        return {**self.job.variables(self.step), **files.environment()}

    def action_request(self, files: FileCommands) -> process.Request:
        job, step = self.job, self.step
        if step.manifest is None:
            step.manifest = job.actions.manifest(step.reference)
        local = step.reference.kind == "local"
        if local and step.manifest.has("pre"):
            self.log.annotate("warning", "`pre` execution is not supported for local action from "
                              f"'{step.reference.name}'", {})
        if self.stage in ("pre", "main"):
            job.register_post(step)
        if local or not step.image:
            step.image = job.actions.image_of(step.manifest, again=local)
        self.describe_inputs()
        stage = Stage(
            layout=job.layout, manifest=step.manifest, stage=self.stage, image=step.image,
            env=self.env, inputs=step.inputs, state=step.state, job_env=self.variables(files),
            actions_env=job.actions_env, network=job.network(), socket=job.settings.socket)
        values = stage.environment()
        return process.Request(
            command=stage.command(values), env=cli_environment(values), as_root=True,
            cwd=str(job.layout.workspace), on_line=self.log.line, cancel=self.cancel)

    def describe_inputs(self) -> None:
        assert self.step.manifest is not None
        evaluator = self.job.evaluator(self.step, self.env, for_inputs=True)
        self.step.inputs, warnings = input_values(
            self.step.manifest, self.with_values(), evaluator)
        for warning in warnings:
            self.log.annotate("warning", warning, {})
        # The runner shows both in the log, which is why secrets are masked first.
        self.log.keep("with: " + json.dumps(self.step.inputs))
        self.log.keep("env: " + json.dumps(self.env))

    def script_request(self, files: FileCommands) -> process.Request:
        job, spec = self.job, self.step.spec
        evaluator = job.evaluator(self.step, self.env)
        shell = spec.get("shell") or job.run_default("shell")
        text = to_text(interpolate(spec["run"], evaluator))
        script = scripts.write_script(job.layout, text, shell)
        values = {**self.env, **self.variables(files), "GITHUB_ACTIONS": "true"}
        values.setdefault("CI", "true")
        folder = interpolate(spec.get("working-directory") or job.run_default("working-directory")
                             or "", evaluator)
        folder = str(job.layout.workspace / to_text(folder))
        if job.containers is not None and job.containers.container:
            inside = job.containers.translation.to_container(str(script))
            line = scripts.shell_line(shell, inside, in_container=True)
            command, values = job.containers.exec_command(line, values, folder, job.path)
            return process.Request(command=command, env=cli_environment(values), as_root=True,
                                   on_line=self.log.line, cancel=self.cancel)
        worker = job.worker_environment()
        values = scripts.with_path({**worker, **values}, job.path)
        return process.Request(
            command=scripts.shell_line(shell, str(script), in_container=False), env=values,
            cwd=folder, on_line=self.log.line, cancel=self.cancel)
