"""A job's `container:` and `services:`: one network, `run:` steps by `docker exec`.

Source: RW/ContainerOperationProvider.cs, RW/Handlers/StepHost.cs. The clean-up
of an earlier job's containers comes first and goes by the runner's label.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import uuid
from typing import Any, Callable, Mapping

from .container_action import SOCKET, Translation
from .docker import DockerError, containers, docker, networks
from .expression_functions import to_text
from .layout import Layout


def container_mounts(layout: Layout) -> list[tuple[str, str]]:
    return [(str(layout.work), "/__w"), (str(layout.temp), "/__w/_temp"),
            (str(layout.actions), "/__w/_actions"), (str(layout.tools), "/__t"),
            (str(layout.externals), "/__e"), (str(layout.github_home), "/github/home"),
            (str(layout.github_workflow), "/github/workflow")]


class JobContainers:
    def __init__(self, layout: Layout, log: Callable[[str], None]):
        self.layout = layout
        self.log = log
        self.network = f"github_network_{uuid.uuid4().hex}"
        self.container = ""
        self.services: dict[str, str] = {}
        self.default_path = ""
        self.translation = Translation(container_mounts(layout))
        self.workdir = self.translation.to_container(str(layout.workspace))

    def start(self, spec: Any, services: Mapping[str, Any]) -> None:
        sweep_label(self.layout, self.log)
        docker("network", "create", "--label", self.layout.label(), self.network)
        for name, service in (services or {}).items():
            self.services[name] = self._create(described(service), alias=name, command=[])
        if spec:
            spec = described(spec)
            mounts = [f"{host}:{inside}" + (":ro" if inside == "/__e" else "")
                      for host, inside in container_mounts(self.layout)]
            spec["volumes"] = [f"{SOCKET}:{SOCKET}", *mounts, *spec.get("volumes", [])]
            spec["env"] = {"HOME": "/github/home", "GITHUB_ACTIONS": "true", "CI": "true",
                           **(spec.get("env") or {})}
            spec["tail"] = True
            self.container = self._create(spec, alias="", command=["-f", "/dev/null"])
            self.default_path = path_of(self.container)

    def _create(self, spec: dict[str, Any], alias: str, command: list[str]) -> str:
        image = spec["image"]
        name = re.sub(r"[^a-zA-Z0-9]", "", image) + "_" + secrets.token_hex(3)
        line = ["create", "--name", f"{uuid.uuid4().hex}_{name}", "--label", self.layout.label()]
        if command:
            line += ["--workdir", self.workdir]
        line += ["--network", self.network]
        if alias:
            line += ["--network-alias", alias]
        for port in spec.get("ports") or []:
            line += ["-p", to_text(port)]
        line += shlex.split(spec.get("options") or "")
        for key, value in (spec.get("env") or {}).items():
            line += ["-e", f"{key}={to_text(value)}"]
        for volume in spec.get("volumes") or []:
            line += ["-v", to_text(volume)]
        if spec.get("tail"):
            line += ["--entrypoint", "tail"]
        identifier = docker(*line, image, *command)
        docker("start", identifier)
        self.log(f"started container {identifier[:12]} from {image}")
        return identifier

    def exec_command(self, script: list[str], env: Mapping[str, str], workdir: str,
                     prepend: list[str]) -> tuple[list[str], dict[str, str]]:
        """The `docker exec` line and the environment of its CLI. GITHUB_PATH is
        put in front untranslated, as the runner does."""
        values = {k: self.translation.to_container(v) for k, v in env.items() if k != "PATH"}
        if prepend:
            values["PATH"] = ":".join([*prepend, *([self.default_path] * bool(self.default_path))])
        line = ["docker", "exec", "-i", "--workdir", self.translation.to_container(workdir)]
        for key, value in values.items():
            line += ["-e", key if key != "PATH" else f"PATH={value}"]
        values.pop("PATH", None)
        return [*line, self.container, *script], values

    def stop(self) -> list[str]:
        """Returns the warnings; a stranger on the network is one."""
        warnings = []
        for identifier in filter(None, [self.container, *self.services.values()]):
            docker("rm", "--force", identifier, check=False)
        try:
            docker("network", "rm", self.network)
        except DockerError as error:
            warnings.append(f"Docker network rm failed: {error}")
        return warnings


def described(spec: Any) -> dict[str, Any]:
    return {"image": spec} if isinstance(spec, str) else dict(spec)


def path_of(container: str) -> str:
    text = docker("inspect", "--format", "{{json .Config.Env}}", container)
    for entry in json.loads(text) or []:
        name, _, value = entry.partition("=")
        if name == "PATH":
            return value
    return ""


def sweep_label(layout: Layout, log: Callable[[str], None]) -> None:
    """What an earlier job left with this runner's label goes first."""
    for identifier in containers(f"label={layout.label()}"):
        log(f"removing leftover container {identifier[:12]}")
        docker("rm", "--force", identifier, check=False)
    if networks(f"label={layout.label()}"):
        docker("network", "prune", "--force", "--filter", f"label={layout.label()}", check=False)
