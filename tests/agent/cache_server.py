"""`hearth server` as a process of its own, and what tests ask of it."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

from tests.agent.running import HEARTH

ADMIN_TOKEN = "confidential-token-of-the-administrator"
WORKSPACE = "acme/ci"


class CacheServer:
    """Servers of one folder share their storage, unless another one is named."""

    def __init__(self, folder: pathlib.Path, name: str = "server", storage: str = "",
                 environment: dict[str, str] | None = None):
        self.folder = folder
        self.storage = storage or f"disk://{folder}/cache-storage"
        self.environment = environment
        self.ready = folder / f"{name}.ready"
        self.log = folder / f"{name}.log"
        self.admin_token_file = folder / "admin-token"
        self.admin_token_file.write_text(ADMIN_TOKEN + "\n")
        self.process: subprocess.Popen | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """On the same port as before, where there was one."""
        self.ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [HEARTH, "server", "--listen", f"127.0.0.1:{self.port}", "--storage", self.storage,
                 "--admin-token-file", self.admin_token_file, "--spool", self.folder, "--ready-file", self.ready],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        deadline = time.monotonic() + 60
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.002)
        self.port = urllib.parse.urlsplit(json.loads(self.ready.read_text())["endpoint"]).port

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def backend(self) -> str:
        return f"boringcache://127.0.0.1:{self.port}/{WORKSPACE}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()

    def token_command(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [HEARTH, "token", arguments[0], "--server", self.endpoint, "--workspace", WORKSPACE,
             "--admin-token-file", self.admin_token_file, *arguments[1:]],
            capture_output=True, text=True, timeout=30, check=False)

    def workspace_command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """As the administrator, unless tokens are given."""
        return subprocess.run(
            [HEARTH, "workspace", arguments[0], "--server", self.endpoint,
             *(() if environment else ("--admin-token-file", self.admin_token_file)), *arguments[1:]],
            env=environment_with(**environment), capture_output=True, text=True, timeout=30, check=False)

    def new_token(self, level: str, *flags: str) -> str:
        done = self.token_command("create", "--level", level, *flags)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout.strip()

    def call(self, method: str, path: str, body: dict | None = None, token: str = ADMIN_TOKEN,
             headers: dict[str, str] | None = None) -> tuple[int, dict | list | None]:
        """A call of the API, with `path` below the workspace."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, f"/v2/workspaces/{WORKSPACE}{path}",
                               json.dumps(body).encode() if body is not None else None,
                               {"Authorization": f"Bearer {token}", **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()


def environment_with(**tokens: str) -> dict[str, str]:
    """This one without a token of anybody, and with these: RESTORE="…"."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("BORINGCACHE_")}
    return {**others, **{f"BORINGCACHE_{name}_TOKEN": value for name, value in tokens.items()}}
