"""What a runner's jobs left behind on the machine.

Only things that can be traced to one runner count, so that several runners
can share a machine: containers with its label or with a mount under its folder,
networks with its label, processes that carry a tracking id of its jobs or run
from its folder, files of root, and files in `_temp`.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import time
from typing import Callable, Iterable

from . import process
from .docker import containers, docker, networks
from .layout import Layout


def until_gone(find: Callable[[], list[str]], seconds: float) -> list[str]:
    """Looks again until nothing is found: what was just told to end may need
    a moment, and a check that does not wait fails now and then."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if not found or time.monotonic() >= deadline:
            return found
        time.sleep(0.1)


def leftover_containers(layout: Layout) -> list[str]:
    return [f"container {c[:12]} {name}" for c, name in owned_containers(layout)]


def owned_containers(layout: Layout) -> list[tuple[str, str]]:
    everything = containers()
    if not everything:
        return []
    # A container may vanish between the two calls; the others are still printed.
    text = docker("inspect", *everything, check=False) or "[]"
    label, root = layout.label(), str(layout.folder)
    owned = []
    for facts in json.loads(text):
        sources = [m.get("Source", "") for m in facts.get("Mounts") or []]
        if label in (facts["Config"].get("Labels") or {}) or any(under(s, root) for s in sources):
            owned.append((facts["Id"], facts["Name"].lstrip("/")))
    return owned


def under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def owned_processes(layout: Layout, tracking_ids: Iterable[str]) -> list[int]:
    found = {pid for t in tracking_ids
             for pid in process.pids_with_environment("RUNNER_TRACKING_ID", t)}
    root = str(layout.folder)
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with contextlib.suppress(OSError):
            if (under(os.readlink(entry / "exe"), root) or under(os.readlink(entry / "cwd"), root)
                    or f"{root}/" in process.command_line(pid)):
                found.add(pid)
    return sorted(p for p in found - {os.getpid()} if not zombie(p))


def zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return stat.rpartition(")")[2].split()[0] == "Z"
    return True  # gone since


def root_owned(layout: Layout) -> list[str]:
    found = []
    for folder in (layout.workspace, layout.home, layout.temp):
        for path in [folder, *folder.rglob("*")]:
            with contextlib.suppress(OSError):
                if path.lstat().st_uid == 0:
                    found.append(f"root owns {path.relative_to(layout.folder)}")
    return sorted(found)


def in_temp(layout: Layout) -> list[str]:
    return [f"left in _temp: {p.relative_to(layout.temp)}" for p in sorted(layout.temp.rglob("*"))]


def leftovers(layout: Layout, tracking_ids: Iterable[str]) -> list[str]:
    return [
        *leftover_containers(layout),
        *(f"network {n}" for n in networks(f"label={layout.label()}")),
        *(f"process {p} {process.command_line(p)}"
          for p in owned_processes(layout, tracking_ids)),
        *root_owned(layout),
        *in_temp(layout),
    ]
