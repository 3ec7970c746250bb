"""Where `uses:` leads: a tree on this machine, an image, or one of the few
well-known actions that the model carries out itself.

Source: RW/ActionManager.cs. Images of actions in other repositories are built
before the first step, those of local (`./`) actions when their step runs.
"""

from __future__ import annotations

import pathlib
import uuid
from dataclasses import dataclass
from typing import Callable, Mapping

from tests.e2e import images

from . import manifest as manifests
from .layout import Layout, clear_as_runner, copy_tree_as_runner
from .manifest import Manifest

BUILTINS = ("actions/checkout", "actions/upload-artifact", "actions/download-artifact")


class ActionError(RuntimeError):
    """The action cannot be found or built; the step, or the job, fails."""


@dataclass(frozen=True)
class Reference:
    kind: str  # builtin, local, repository or docker
    name: str
    path: str = ""
    ref: str = ""

    @staticmethod
    def parse(text: str) -> "Reference":
        if text.startswith("docker://"):
            return Reference("docker", text.removeprefix("docker://"))
        if text.startswith("./"):
            return Reference("local", text)
        place, _, ref = text.partition("@")
        parts = place.split("/")
        if len(parts) < 2 or not ref:
            raise ActionError(f"Expected format {{org}}/{{repo}}[/path]@ref. Actual '{text}'")
        name, path = "/".join(parts[:2]), "/".join(parts[2:])
        return Reference("builtin" if name in BUILTINS else "repository", name, path, ref)


class Actions:
    """Finds and builds the actions of one job. `image` replaces every build."""

    def __init__(self, layout: Layout, repositories: Mapping[str, pathlib.Path],
                 image: str | None, log: Callable[[str], None]):
        self.layout = layout
        self.repositories = {name.lower(): pathlib.Path(p) for name, p in repositories.items()}
        self.image = image
        self.log = log
        self._images: dict[str, str] = {}
        self._downloaded: dict[Reference, pathlib.Path] = {}

    def folder(self, reference: Reference) -> pathlib.Path:
        if reference.kind == "local":
            return self.layout.workspace / reference.name
        if reference not in self._downloaded:
            source = self.repositories.get(reference.name.lower())
            if source is None:
                raise ActionError(f"Unable to resolve action `{reference.name}@{reference.ref}`, "
                                  "unable to find it")
            target = self.layout.actions / reference.name / reference.ref
            if target.exists():
                clear_as_runner(target)
            copy_tree_as_runner(source, target)
            self._downloaded[reference] = target
        return self._downloaded[reference] / reference.path

    def manifest(self, reference: Reference) -> Manifest:
        if reference.kind == "docker":
            return Manifest(self.layout.workspace, reference.name, f"docker://{reference.name}")
        return manifests.load(self.folder(reference))

    def image_of(self, manifest: Manifest, *, again: bool) -> str:
        """Builds at most once per job, unless `again`: a local action is built
        in main and in post."""
        dockerfile = manifest.dockerfile()
        if dockerfile is None:
            return manifest.image.removeprefix("docker://")
        if self.image:
            return self.image
        key = str(manifest.folder)
        if again or key not in self._images:
            tag = f"{self.layout.label()}:{uuid.uuid4().hex}"
            self.log(f"building {dockerfile.name} as {tag}")
            try:
                images.build(dockerfile.parent, tag, dockerfile=str(dockerfile))
            except RuntimeError as error:
                raise ActionError(f"Docker build failed: {error}") from error
            self._images[key] = tag
        return self._images[key]
