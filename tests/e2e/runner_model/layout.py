"""The folders of one runner: `_work/_temp`, `_work/<repo>/<repo>` and the rest.

Source: Runner.Common/HostContext.cs (folders), TempDirectoryManager.cs (what
is deleted, and that a file that cannot be deleted is passed over).
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
import subprocess
import tarfile

from .users import RUNNER_GID, RUNNER_UID, as_runner, ensure_user, give_to_runner, run_as_runner


class Layout:
    def __init__(self, folder: pathlib.Path, repository: str):
        name = repository.split("/")[-1]
        self.folder = folder
        self._label = ""
        self.home = folder / "home"
        self.work = folder / "_work"
        self.temp = self.work / "_temp"
        self.actions = self.work / "_actions"
        self.tools = self.work / "_tool"
        self.externals = folder / "externals"
        self.runner_workspace = self.work / name
        self.workspace = self.runner_workspace / name
        self.github_home = self.temp / "_github_home"
        self.github_workflow = self.temp / "_github_workflow"
        self.file_commands = self.temp / "_runner_file_commands"

    def create(self) -> None:
        """Makes what is missing; a runner that ran before keeps its folders."""
        ensure_user()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        give_to_runner(self.folder)
        for path in (self.home, self.work, self.temp, self.actions, self.tools, self.externals,
                     self.runner_workspace, self.workspace):
            if not path.exists():
                path.mkdir()
                give_to_runner(path)
        settings = self.folder / ".runner"
        if not settings.exists():
            settings.write_text(json.dumps({"agentName": self.folder.name,
                                            "workFolder": "_work", "path": str(self.folder)}))
            give_to_runner(settings)
        self._label = hashlib.sha256(settings.read_bytes()).hexdigest()[:6]

    def label(self) -> str:
        """The label of every container that the runner itself starts; stable
        for one installation (DockerCommandManager.cs)."""
        return self._label

    def clean_temp(self) -> list[str]:
        """Empties `_temp` with the rights that the runner has; returns what stayed."""
        run_as_runner("find", str(self.temp), "-mindepth", "1", "-delete")
        return sorted(str(p.relative_to(self.temp)) for p in self.temp.rglob("*"))

    def prepare_temp(self) -> None:
        for path in (self.github_home, self.github_workflow, self.file_commands):
            path.mkdir(exist_ok=True)
            give_to_runner(path)

    def write(self, path: pathlib.Path, text: str) -> pathlib.Path:
        path.write_text(text)
        give_to_runner(path)
        return path


def clear_as_runner(folder: pathlib.Path) -> str:
    """What a checkout does first; returns the complaint, if any."""
    return run_as_runner("find", str(folder), "-mindepth", "1", "-delete").stderr


def copy_tree_as_runner(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies the files that git would know of, owned by the runner's user and
    with fresh times, as a checkout makes them."""
    if not target.exists():
        done = run_as_runner("mkdir", "-p", str(target))
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    with subprocess.Popen(["tar", "-x", "-m", "-C", str(target), "-f", "-"],
                          stdin=subprocess.PIPE, **as_runner()) as unpack:
        with tarfile.open(fileobj=unpack.stdin, mode="w|", dereference=False) as archive:
            for name in tree_files(source):
                archive.add(source / name, name, recursive=False, filter=owned_by_runner)
    if unpack.returncode != 0:
        raise RuntimeError(f"cannot copy {source} to {target}")


def owned_by_runner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid, entry.gid, entry.uname, entry.gname = RUNNER_UID, RUNNER_GID, "", ""
    return entry


def tree_files(source: pathlib.Path) -> list[str]:
    if (source / ".git").exists() and shutil.which("git"):
        done = subprocess.run(
            ["git", "-c", f"safe.directory={source}", "-C", str(source), "ls-files", "-z",
             "--cached", "--others", "--exclude-standard"], capture_output=True, check=False)
        if done.returncode == 0:
            names = {n for n in done.stdout.decode().split("\0") if n}
            return sorted(n for n in names if (source / n).exists() or (source / n).is_symlink())
    return sorted(str(p.relative_to(source)) for p in source.rglob("*"))
