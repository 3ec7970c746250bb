"""One stage (pre, main, post) of a container action: a fresh `docker run`.

Sources: RW/Handlers/ContainerActionHandler.cs (environment, mounts, path
translation), RW/Container/DockerCommandManager.cs (the command line),
RW/Container/ContainerInfo.cs (whole values are translated, most specific first).
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Mapping

from .expression_functions import to_text
from .expressions import Evaluator, interpolate
from .layout import Layout
from .manifest import Manifest

SOCKET = "/var/run/docker.sock"


class Translation:
    """Host paths to container paths; only values that are, or start with, a
    mounted path. Lists (`a:b`), URLs and JSON stay as they are."""

    def __init__(self, mounts: list[tuple[str, str]]):
        self.mounts = sorted(mounts, key=lambda m: len(m[0]), reverse=True)

    def to_container(self, value: str) -> str:
        for host, container in self.mounts:
            if value == host or value.startswith(host + "/"):
                return container + value[len(host):]
        return value

    def to_host(self, value: str) -> str:
        for host, container in sorted(self.mounts, key=lambda m: len(m[1]), reverse=True):
            if value == container or value.startswith(container + "/"):
                return host + value[len(container):]
        return value


def action_mounts(layout: Layout) -> list[tuple[str, str]]:
    return [(str(layout.temp), "/github/runner_temp"),
            (str(layout.github_home), "/github/home"),
            (str(layout.github_workflow), "/github/workflow"),
            (str(layout.file_commands), "/github/file_commands"),
            (str(layout.workspace), "/github/workspace")]


def input_values(manifest: Manifest, given: Mapping[str, Any],
                 evaluator: Evaluator) -> tuple[dict[str, str], list[str]]:
    """Inputs by name, defaults filled in, and the warnings about strangers."""
    values, warnings = {}, []
    declared = {name.lower(): name for name in manifest.inputs}
    for name, description in manifest.inputs.items():
        default = (description or {}).get("default")
        if default is not None:
            values[name] = to_text(interpolate(default, evaluator))
    strangers = []
    for name, value in given.items():
        known = declared.get(str(name).lower())
        if known is None:
            strangers.append(str(name))
        values[known or str(name)] = to_text(value)
    if strangers:
        warnings.append(f"Unexpected input(s) {', '.join(map(repr, strangers))}, valid inputs are "
                        f"[{', '.join(map(repr, manifest.inputs))}]")
    return values, warnings


def input_variables(values: Mapping[str, str]) -> dict[str, str]:
    return {"INPUT_" + name.replace(" ", "_").upper(): value for name, value in values.items()}


@dataclass
class Stage:
    """All that one `docker run` needs."""

    layout: Layout
    manifest: Manifest
    stage: str
    image: str
    env: dict[str, str]  # the env context: workflow, job, GITHUB_ENV and step
    inputs: dict[str, str]
    state: dict[str, str]
    job_env: dict[str, str]  # GITHUB_*, RUNNER_* and the file commands
    actions_env: dict[str, str] = field(default_factory=dict)  # ACTIONS_*, always last
    network: str = ""
    socket: str = SOCKET

    def environment(self) -> dict[str, str]:
        """Later ones win, but action.yml's `env` only fills in."""
        values = dict(self.env)
        values.update({f"STATE_{name}": value for name, value in self.state.items()})
        values.update(input_variables(self.inputs))
        evaluator = Evaluator({"inputs": self.inputs})
        for name, value in self.manifest.env.items():
            values.setdefault(name, to_text(interpolate(value, evaluator)))
        values["HOME"] = "/github/home"
        values.update(self.job_env)
        values.update(self.actions_env)
        translation = Translation(action_mounts(self.layout))
        return {name: translation.to_container(value) for name, value in values.items()}

    def arguments(self) -> list[str]:
        """Never path-translated: that is how an action learns of host paths."""
        evaluator = Evaluator({"inputs": self.inputs})
        return [to_text(interpolate(a, evaluator)) for a in self.manifest.args]

    def command(self, environment: Mapping[str, str]) -> list[str]:
        """Values travel in the CLI's own environment; the line has names only."""
        name = re.sub(r"[^a-zA-Z0-9]", "", self.image) + "_" + secrets.token_hex(3)
        command = ["docker", "run", "--name", name, "--label", self.layout.label(),
                   "--workdir", "/github/workspace", "--rm"]
        for key in environment:
            command += ["-e", key]
        command += ["-e", "GITHUB_ACTIONS=true"]
        if "CI" not in environment:
            command += ["-e", "CI=true"]
        entrypoint = self.manifest.entrypoints.get(self.stage)
        if entrypoint:
            command += ["--entrypoint", entrypoint]
        if self.network:
            command += ["--network", self.network]
        for host, container in [(self.socket, SOCKET), *action_mounts(self.layout)]:
            command += ["-v", f"{host}:{container}"]
        return [*command, self.image, *self.arguments()]


def cli_environment(values: Mapping[str, str]) -> dict[str, str]:
    """The docker CLI sees the step's variables too; PATH is the runner's own."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    environment.update({k: v for k, v in values.items() if "\0" not in v})
    return environment
