"""One process of a step: its output line by line, and how it is cancelled.

Source: Runner.Sdk/ProcessInvoker.cs: SIGINT, 7.5 s, SIGTERM, 2.5 s, then the
process tree is killed; standard input is closed; after the process ended its
output streams get five more seconds.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Mapping

from .users import as_runner

SIGINT_SECONDS = 7.5
SIGTERM_SECONDS = 2.5
STREAM_SECONDS = 5.0


@dataclass
class Request:
    command: list[str]
    env: Mapping[str, str]
    on_line: Callable[[str], None]
    cwd: str | None = None
    as_root: bool = False
    cancel: threading.Event = field(default_factory=threading.Event)
    timeout_seconds: float | None = None


@dataclass
class Ended:
    exit_code: int
    cancelled: bool = False
    timed_out: bool = False
    signals: list[str] = field(default_factory=list)


def run(request: Request) -> Ended:
    # Under a shell's `&` SIGINT is ignored, and children would inherit that.
    command = ["env", "--default-signal=INT,TERM,QUIT", *request.command]
    process = subprocess.Popen(
        command, env=dict(request.env), cwd=request.cwd, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        **({} if request.as_root else as_runner()))
    reader = threading.Thread(target=read_lines, args=(process, request.on_line), daemon=True)
    reader.start()
    ended = Ended(0)
    deadline = None
    if request.timeout_seconds is not None:
        deadline = time.monotonic() + request.timeout_seconds
    while not wait(process, 0.05):
        ended.timed_out = deadline is not None and time.monotonic() >= deadline
        ended.cancelled = request.cancel.is_set()
        if ended.timed_out or ended.cancelled:
            ended.signals = take_down(process)
            break
    ended.exit_code = process.wait()
    reader.join(STREAM_SECONDS)
    return ended


def wait(process: subprocess.Popen, seconds: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return True
    return False


def take_down(process: subprocess.Popen) -> list[str]:
    sent = []
    for number, patience in ((signal.SIGINT, SIGINT_SECONDS), (signal.SIGTERM, SIGTERM_SECONDS)):
        sent.append(number.name)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        if wait(process, patience):
            return sent
    sent.append("SIGKILL")
    for pid in [*reversed(descendants(process.pid)), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return sent


def read_lines(process: subprocess.Popen, on_line: Callable[[str], None]) -> None:
    with contextlib.suppress(ValueError), process.stdout as output:
        for raw in output:
            on_line(raw.decode("utf-8", "replace").rstrip("\n").rstrip("\r"))


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def pids_with_environment(name: str, value: str) -> list[int]:
    """Processes whose initial environment holds NAME=VALUE."""
    wanted = f"{name}={value}".encode()
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(
            "utf-8", "replace").strip()
    return ""
