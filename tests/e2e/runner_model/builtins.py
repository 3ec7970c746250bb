"""The well-known actions that example workflows use beside ours, carried out
with the rights of the runner's user: checkout and artifacts."""

from __future__ import annotations

import pathlib
import shutil

from .actions import ActionError, Reference
from .layout import Layout, clear_as_runner, copy_tree_as_runner, give_to_runner


class Builtins:
    def __init__(self, layout: Layout, sources: dict[str, pathlib.Path], repository: str):
        self.layout = layout
        self.sources = {name.lower(): pathlib.Path(path) for name, path in sources.items()}
        self.repository = repository
        self.artifacts = layout.folder / "artifacts"

    def run(self, reference: Reference, inputs: dict[str, str]) -> list[str]:
        """Returns lines for the log."""
        verb = reference.name.split("/")[-1].replace("-", "_")
        return getattr(self, verb)(inputs)

    def checkout(self, inputs: dict[str, str]) -> list[str]:
        name = inputs.get("repository") or self.repository
        source = self.sources.get(name.lower())
        if source is None:
            raise ActionError(f"Not Found: repository '{name}'")
        target = self.layout.workspace / inputs.get("path", "")
        if target.exists() and inputs.get("clean", "true") != "false":
            complaint = clear_as_runner(target)
            if complaint:  # what git and the runner's user would meet as well
                raise ActionError(f"EACCES: permission denied: {complaint.strip()}")
        copy_tree_as_runner(source, target)
        return [f"checked out {name}"]

    def upload_artifact(self, inputs: dict[str, str]) -> list[str]:
        folder = self.artifacts / inputs.get("name", "artifact")
        count = 0
        for pattern in inputs["path"].split():
            base = pathlib.Path(pattern)
            base = base if base.is_absolute() else self.layout.workspace / base
            for path in sorted(base.parent.glob(base.name)):
                folder.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, folder / path.name)
                count += 1
        if count == 0 and inputs.get("if-no-files-found") == "error":
            raise ActionError(f"No files were found with the provided path: {inputs['path']}")
        return [f"uploaded {count} files"]

    def download_artifact(self, inputs: dict[str, str]) -> list[str]:
        target = self.layout.workspace / inputs.get("path", "")
        if "pattern" in inputs:  # each into a folder of its name
            folders = {path: target / path.name for path in sorted(self.artifacts.glob(inputs["pattern"]))}
        else:
            folders = {self.artifacts / inputs.get("name", "artifact"): target}
        for folder, own in folders.items():
            if not folder.is_dir():
                raise ActionError(f"Artifact not found for name: {inputs.get('name')}")
            shutil.copytree(folder, own, dirs_exist_ok=True)
        target.mkdir(parents=True, exist_ok=True)
        for path in [target, *target.rglob("*")]:
            give_to_runner(path)
        return [f"downloaded {folder.name}" for folder in folders]
