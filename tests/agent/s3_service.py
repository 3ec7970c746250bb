"""A real S3 service over a folder (versitygw) for as long as a `with` block lasts."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import subprocess
import time
from typing import Iterator

from tests.e2e import tools

ACCESS_KEY = "owner"
SECRET_KEY = "confidential-secret-of-owner"
BUCKET = "cache"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3Service:
    """Its buckets are the folders below `data`."""

    def __init__(self, folder: pathlib.Path):
        self.data = folder / "s3"
        self.log = folder / "s3.log"
        (self.data / BUCKET).mkdir(parents=True)
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [tools.versitygw(), "--port", f"127.0.0.1:{self.port}", "--access", ACCESS_KEY, "--secret", SECRET_KEY,
                 "--keep-alive", "posix", self.data], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"versitygw does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def url(self, prefix: str = "team/main") -> str:
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}&region=us-east-1"

    def environment(self, secret: str = SECRET_KEY) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**others, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_EC2_METADATA_DISABLED": "true"}

    def objects(self) -> list[str]:
        root = self.data / BUCKET
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@contextlib.contextmanager
def s3_service(folder: pathlib.Path) -> Iterator[S3Service]:
    service = S3Service(folder)
    try:
        yield service
    finally:
        service.stop()
