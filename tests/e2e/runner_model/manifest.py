"""`action.yml` of a container action.

Source: RW/action_yaml.json: the keys a docker action may have; which contexts
`args`, `env` and input defaults may use.
"""

from __future__ import annotations

import pathlib
from dataclasses import dataclass, field
from typing import Any

from . import yaml_files

DOCKER_KEYS = {"using", "image", "entrypoint", "args", "env", "pre-entrypoint", "pre-if",
               "post-entrypoint", "post-if"}
TOP_KEYS = {"name", "description", "author", "branding", "inputs", "outputs", "runs"}


class ManifestError(ValueError):
    pass


@dataclass
class Manifest:
    folder: pathlib.Path
    name: str
    image: str
    inputs: dict[str, Any] = field(default_factory=dict)
    args: list[Any] = field(default_factory=list)
    env: dict[str, Any] = field(default_factory=dict)
    entrypoints: dict[str, str] = field(default_factory=dict)  # by stage
    conditions: dict[str, str] = field(default_factory=dict)  # pre and post

    def has(self, stage: str) -> bool:
        return stage == "main" or stage in self.entrypoints

    def dockerfile(self) -> pathlib.Path | None:
        """The file to build from; none if the image comes from a registry."""
        if self.image.startswith("docker://"):
            return None
        last = self.image.rsplit("/", 1)[-1]
        if not (last.endswith("Dockerfile") or last.startswith("Dockerfile.")):
            raise ManifestError(f"'{self.image}' should be either '[path]/Dockerfile' or "
                                "'docker://image[:tag]'.")
        return self.folder / self.image


def load(folder: pathlib.Path) -> Manifest:
    for name in ("action.yml", "action.yaml"):
        if (folder / name).exists():
            return parse(folder, yaml_files.load(folder / name))
    raise ManifestError(f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{folder}'.")


def parse(folder: pathlib.Path, document: dict[str, Any]) -> Manifest:
    unknown = set(document) - TOP_KEYS
    runs = document.get("runs") or {}
    if runs.get("using") != "docker":
        raise ManifestError(f"the model runs container actions only, not {runs.get('using')!r}")
    unknown |= set(runs) - DOCKER_KEYS
    if unknown:
        raise ManifestError(f"Unexpected value {sorted(unknown)} in action.yml")
    keys = {"pre": "pre-entrypoint", "main": "entrypoint", "post": "post-entrypoint"}
    return Manifest(
        folder=folder, name=document.get("name", ""), image=runs["image"],
        inputs=document.get("inputs") or {}, args=runs.get("args") or [],
        env=runs.get("env") or {},
        entrypoints={stage: runs[key] for stage, key in keys.items() if runs.get(key)},
        conditions={stage: runs.get(f"{stage}-if", "always()") for stage in ("pre", "post")})
