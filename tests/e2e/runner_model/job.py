"""One job from its first clean-up to its last.

Source: RW/JobExtension.cs (order), RW/JobRunner.cs, RW/StepsRunner.cs: images,
containers, every pre in workflow order, main steps, posts last in first out,
"Stop containers", the orphan sweep, the clean-up of `_temp`.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable

from . import process, scripts
from .actions import ActionError, Actions
from .builtins import Builtins
from .contexts import (Event, github_context, github_variables, runner_context, runner_variables,
                       write_event)
from .container_action import SOCKET
from .docker import DockerError
from .expression_functions import hash_files_in, to_text
from .expressions import Evaluator, interpolate
from .job_container import JobContainers
from .layout import Layout
from .log_commands import Masks
from .manifest import ManifestError
from .results import JobResult
from .steps import StageRun, Step, steps_of
from .users import RUNNER_UID


@dataclass
class Settings:
    """What a runner is: the same for all its jobs."""

    repository: str = "acme/project"
    sources: dict[str, pathlib.Path] = field(default_factory=dict)
    repositories: dict[str, pathlib.Path] = field(default_factory=dict)
    image: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # the `vars` context
    environment: str = "self-hosted"
    arch: str = "X64"
    path: list[str] = field(default_factory=list)
    actions_env: dict[str, str] = field(default_factory=dict)
    debug: bool = False
    socket: str = SOCKET  # what is mounted as Docker's socket
    keep: tuple[str, ...] = ()  # files in _temp to read before it is emptied
    token: str = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Plan:
    """What one job is."""

    workflow: dict[str, Any]
    file: str
    name: str
    matrix: dict[str, Any] | None = None
    event: Event = field(default_factory=Event)
    needs: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


class Job:
    def __init__(self, settings: Settings, layout: Layout, plan: Plan,
                 sink: Callable[[str], None]):
        self.settings, self.layout, self.plan = settings, layout, plan
        self.spec = plan.workflow["jobs"][plan.name]
        self.result = JobResult(plan.name)
        self.sink = sink
        self.status = "success"
        self.tracking_id = f"github_{uuid.uuid4()}"
        self.env: dict[str, str] = {}
        self.path: list[str] = []
        self.posts: list[Step] = []
        self.containers: JobContainers | None = None
        self.steps_context: dict[str, Any] = {}
        self.actions_env = dict(settings.actions_env)
        self.masks = Masks([settings.token, *settings.secrets.values(),
                            *([settings.actions_env["ACTIONS_RUNTIME_TOKEN"]]
                              if "ACTIONS_RUNTIME_TOKEN" in settings.actions_env else [])])
        self.github = github_context(layout, plan.event, settings.repository, job=plan.name,
                                     token=settings.token, file=plan.file,
                                     workflow=plan.workflow.get("name") or plan.file)
        self.runner = runner_context(layout, settings.environment, settings.arch, settings.debug)
        self.actions = Actions(layout, settings.repositories, settings.image, self.emit)
        self.builtins = Builtins(layout, settings.sources, settings.repository)
        self._current: StageRun | None = None
        self._lock = threading.Lock()
        self._shutting_down = False

    def emit(self, line: str) -> None:
        self.result.lines.append(line)
        self.sink(line)

    # --- what steps ask for ---------------------------------------------------

    def evaluator(self, step: Step | None, env: dict[str, str],
                  for_inputs: bool = False) -> Evaluator:
        contexts: dict[str, Any] = {
            "github": {**self.github, **self.action_facts(step)}, "runner": self.runner,
            "job": self.job_context(), "matrix": self.plan.matrix,
            "strategy": {"fail-fast": True, "job-index": 0, "job-total": 1, "max-parallel": 1}}
        if not for_inputs:  # defaults in action.yml may use the ones above only
            contexts.update({
                "env": env, "steps": self.steps_context, "needs": self.plan.needs,
                "inputs": self.plan.inputs, "vars": self.settings.variables,
                "secrets": {"GITHUB_TOKEN": self.settings.token, **self.settings.secrets}})
        return Evaluator(contexts, {
            "hashFiles": hash_files_in(self.layout.workspace), "always": lambda: True,
            "success": lambda: self.status == "success",
            "failure": lambda: self.status == "failure",
            "cancelled": lambda: self.status == "cancelled"})

    def job_context(self) -> dict[str, Any]:
        context: dict[str, Any] = {"status": self.status}
        if self.containers is not None:
            context["services"] = {name: {"id": c, "network": self.containers.network}
                                   for name, c in self.containers.services.items()}
            context["container"] = {"id": self.containers.container or None,
                                    "network": self.containers.network}
        return context

    def action_facts(self, step: Step | None) -> dict[str, str]:
        if step is None:
            return {}
        facts = {"action": step.context_name}
        if step.reference is not None and step.reference.kind == "repository":
            facts.update(action_repository=step.reference.name, action_ref=step.reference.ref)
        return facts

    def step_environment(self, step: Step) -> dict[str, str]:
        own = interpolate(step.spec.get("env") or {}, self.evaluator(step, self.env))
        return {**self.env, **{k: to_text(v) for k, v in own.items()}}

    def variables(self, step: Step) -> dict[str, str]:
        return {**github_variables({**self.github, **self.action_facts(step)}),
                **runner_variables(self.runner)}

    def worker_environment(self) -> dict[str, str]:
        return scripts.worker_environment(self.layout, self.tracking_id, self.settings.path)

    def run_default(self, key: str) -> str | None:
        for level in (self.spec, self.plan.workflow):
            value = ((level.get("defaults") or {}).get("run") or {}).get(key)
            if value:
                return value
        return None

    def network(self) -> str:
        return self.containers.network if self.containers is not None else ""

    def prepend(self, entries: list[str]) -> None:
        for entry in entries:
            self.path = [entry, *(p for p in self.path if p != entry)]

    def register_post(self, step: Step) -> None:
        if step.manifest.has("post") and not step.post_registered:
            step.post_registered = True
            self.posts.append(step)

    # --- the course of the job --------------------------------------------------

    def run(self) -> JobResult:
        started = time.monotonic()
        before = set(process.pids_with_environment("RUNNER_TRACKING_ID", self.tracking_id))
        self.layout.clean_temp()
        self.layout.prepare_temp()
        write_event(self.layout, self.github)
        try:
            self.evaluate_environment()
            steps = steps_of(self.spec)
            if self.set_up(steps):
                self.run_all(steps)
            self.run_posts()
            self.evaluate_outputs()
        finally:
            if self.containers is not None:
                for warning in self.containers.stop():
                    self.emit(f"##[warning]{warning}")
            self.sweep_orphans(before)
            self.keep_files()
            self.result.temp_leftovers = self.layout.clean_temp()
        self.result.conclusion = self.status
        self.result.env, self.result.path = dict(self.env), list(self.path)
        self.result.seconds = time.monotonic() - started
        return self.result

    def evaluate_environment(self) -> None:
        for level in (self.plan.workflow, self.spec):
            values = interpolate(level.get("env") or {}, self.evaluator(None, self.env))
            self.env.update({k: to_text(v) for k, v in values.items()})

    def set_up(self, steps: list[Step]) -> bool:
        """Images, then containers. What fails here fails the job before any step."""
        try:
            for step in steps:
                if step.reference is not None and step.reference.kind in ("repository", "docker"):
                    step.manifest = self.actions.manifest(step.reference)
                    step.image = self.actions.image_of(step.manifest, again=False)
            container = interpolate(self.spec.get("container"), self.evaluator(None, self.env))
            services = interpolate(self.spec.get("services") or {}, self.evaluator(None, self.env))
            if container or services:
                self.containers = JobContainers(self.layout, self.emit)
                self.containers.start(container, services)
            return True
        except (ActionError, ManifestError, DockerError) as error:
            self.emit(f"##[error]{error}")
            self.status = "failure"
            return False

    def run_all(self, steps: list[Step]) -> None:
        for step in steps:
            if step.reference and step.reference.kind == "repository" and step.manifest.has("pre"):
                self.carry_out(StageRun(self, step, "pre"))
        for step in steps:
            self.carry_out(StageRun(self, step, "main"))

    def run_posts(self) -> None:
        while self.posts:
            self.carry_out(StageRun(self, self.posts.pop(), "post"))

    def carry_out(self, stage: StageRun) -> None:
        self.result.steps.append(stage.result)
        if not self._shutting_down and stage.wanted():
            with self._lock:
                self._current = stage
            stage.run()
            with self._lock:
                self._current = None
        if stage.result.conclusion == "failure" and self.status == "success":
            self.status = "failure"
        if stage.stage == "main" and stage.step.id:
            self.steps_context[stage.step.id] = {
                "outputs": dict(stage.result.outputs), "outcome": stage.result.outcome,
                "conclusion": stage.result.conclusion}

    def cancel(self) -> None:
        """Ends the running stage by signals; later ones run if their condition,
        such as always(), says so."""
        with self._lock:
            self.status = "cancelled"
            if self._current is not None:
                self._current.cancel.set()

    def shut_down(self) -> None:
        """The runner's service stops: no later stage runs, posts included."""
        self._shutting_down = True
        self.cancel()

    def evaluate_outputs(self) -> None:
        outputs = interpolate(self.spec.get("outputs") or {}, self.evaluator(None, self.env))
        self.result.outputs = {k: to_text(v) for k, v in outputs.items()}

    def keep_files(self) -> None:
        for name in self.settings.keep:
            with contextlib.suppress(OSError):
                self.result.kept[name] = (self.layout.temp / name).read_text(errors="replace")

    def sweep_orphans(self, before: set[int]) -> None:
        for pid in process.pids_with_environment("RUNNER_TRACKING_ID", self.tracking_id):
            with contextlib.suppress(OSError):
                if pid not in before and os.stat(f"/proc/{pid}").st_uid == RUNNER_UID:
                    self.result.swept.append(f"{pid} {process.command_line(pid)}")
                    self.emit(f"Terminate orphan process: pid ({pid})")
                    os.kill(pid, signal.SIGKILL)
