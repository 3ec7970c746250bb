"""The unprivileged user that the runner and its host steps run as."""

from __future__ import annotations

import os
import pwd
import subprocess

RUNNER_UID = 1001
RUNNER_GID = 1001
RUNNER_NAME = "runner"


def ensure_user() -> None:
    """Hosted runners have uid 1001 named `runner`; any name will do here."""
    try:
        pwd.getpwuid(RUNNER_UID)
    except KeyError:
        subprocess.run(["groupadd", "--force", "--gid", str(RUNNER_GID), RUNNER_NAME], check=False)
        done = subprocess.run(
            ["useradd", "--uid", str(RUNNER_UID), "--gid", str(RUNNER_GID), "--no-create-home",
             "--home-dir", "/nonexistent", "--shell", "/bin/bash", RUNNER_NAME],
            check=False, capture_output=True, text=True)
        try:  # another process may have been faster
            pwd.getpwuid(RUNNER_UID)
        except KeyError:
            raise RuntimeError(f"cannot create uid {RUNNER_UID}: {done.stderr}") from None


def as_runner() -> dict:
    """Arguments of subprocess that switch to the runner's user."""
    return {"user": RUNNER_UID, "group": RUNNER_GID, "extra_groups": []}


def run_as_runner(*command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, stdin=options.pop("stdin", subprocess.DEVNULL),
                          capture_output=True, text=True, errors="replace", check=False,
                          **as_runner(), **options)


def give_to_runner(path: os.PathLike | str) -> None:
    os.chown(path, RUNNER_UID, RUNNER_GID)
