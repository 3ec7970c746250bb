"""The real agent as a process of its own, on a port of its own, and what tests ask of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

BUILD = pathlib.Path(os.environ["HEARTH_BUILD_DIR"])
HEARTH = BUILD / "bin" / "hearth"


class Agent:
    """`hearth agent` with its store and backend below `folder`; agents of one folder share the backend."""

    def __init__(self, folder: pathlib.Path, store: str = "store", flags: tuple[str, ...] = (), backend: str = ""):
        self.folder = folder
        self.control = folder / f"{store}.control"
        self.ready = folder / f"{store}.ready"
        self.log = folder / f"{store}.log"
        self.command = [HEARTH, "agent", "--listen", "127.0.0.1:0", "--store", folder / store,
                        "--backend", backend or f"disk://{folder}/backend", "--tag", "integration",
                        "--control", self.control, "--ready-file", self.ready, "--min-free-space", "0", *flags]
        self.process: subprocess.Popen | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        self.ready.unlink(missing_ok=True)
        # Below AddressSanitizer freed memory is kept back; a little will do where memory is measured.
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment)
        deadline = time.monotonic() + 60
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the agent does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.002)
        self.port = int(json.loads(self.ready.read_text())["endpoint"].rpartition(":")[2])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def end(self) -> int:
        """As `docker stop` does; the agent publishes first."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()

    def connection(self, timeout: float = 20) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def put(self, key: str, body: bytes) -> int:
        return self.request("PUT", f"/sccache/{key}", body)[0]

    def get(self, key: str) -> tuple[int, bytes]:
        return self.request("GET", f"/sccache/{key}")

    def status(self) -> dict:
        return json.loads(self.request("GET", "/status")[1])

    def command_line(self, command: str, *flags: str) -> dict:
        """`hearth status|flush|drain`: its figures."""
        done = subprocess.run([HEARTH, command, "--control", self.control, "--json", *flags], check=True,
                              capture_output=True, text=True, timeout=90)
        return json.loads(done.stdout)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_mebibytes(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) // 1024


def http_requests(metrics: str) -> dict[str, int]:
    """Requests by method, of the text of /metrics."""
    counts: dict[str, int] = {}
    for method, count in re.findall(r'^hearth_http_requests_total\{method="(\w+)",class="\w+"\} (\d+)$', metrics,
                                    re.MULTILINE):
        counts[method] = counts.get(method, 0) + int(count)
    return counts
