"""The docker CLI, as the runner and the leak checks use it."""

from __future__ import annotations

import json
import subprocess
from typing import Any


class DockerError(RuntimeError):
    pass


def docker(*arguments: str, check: bool = True, timeout: float = 300) -> str:
    done = subprocess.run(["docker", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise DockerError(f"docker {' '.join(arguments[:3])}: {done.stderr.strip()}")
    return done.stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any] | None:
    text = docker(kind, "inspect", name, check=False)
    found = json.loads(text) if text else []
    return found[0] if found else None


def containers(*filters: str) -> list[str]:
    arguments = [part for f in filters for part in ("--filter", f)]
    return docker("ps", "--all", "--quiet", "--no-trunc", *arguments, check=False).split()


def networks(*filters: str) -> list[str]:
    arguments = [part for f in filters for part in ("--filter", f)]
    return docker("network", "ls", "--quiet", *arguments, check=False).split()
