"""Starting the emulator from tests, and steering it.

    with CacheService() as service:
        environment = dict(os.environ, **service.job_environment())
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

SOURCE = pathlib.Path(__file__).resolve().parents[2]
READ_WRITE = 3
READ_ONLY = 1
REPOSITORY = "octo/project"
MAIN = "refs/heads/main"
TWIRP = "twirp/github.actions.results.api.v1.CacheService/"


class CacheService:
    def __init__(self, *options: str) -> None:
        self.options = options
        self.process: subprocess.Popen | None = None
        self.url = ""

    def __enter__(self) -> CacheService:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.github.cache_service", *self.options], cwd=SOURCE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the emulator did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def request(self, method: str, path: str, body: bytes | None = None,
                headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """`path` is below the service's URL, or a URL of its own."""
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, dict(refused.headers), refused.read()

    def control(self, name: str, given: Any = None) -> Any:
        method, body = ("GET", None) if given is None else ("POST", json.dumps(given).encode())
        status, _, answer = self.request(method, f"_control/{name}", body)
        if status not in (200, 204):
            raise RuntimeError(f"control {name}: {status} {answer.decode()}")
        return json.loads(answer) if answer else None

    def token(self, scopes: list[list] | None = None, repository: str = REPOSITORY,
              seconds: float = 6 * 3600) -> str:
        return self.control("token", {"repository": repository, "seconds": seconds,
                                      "scopes": scopes or [[MAIN, READ_WRITE]]})["token"]

    def counters(self) -> dict:
        return self.control("counters")

    def faults(self, *rules: dict) -> None:
        self.control("faults", list(rules))

    def job_environment(self, scopes: list[list] | None = None,
                        repository: str = REPOSITORY) -> dict[str, str]:
        """What GitHub's runner gives to an action, as far as the cache is concerned."""
        return {"ACTIONS_RESULTS_URL": self.url, "ACTIONS_CACHE_URL": self.url,
                "ACTIONS_CACHE_SERVICE_V2": "True",
                "ACTIONS_RUNTIME_TOKEN": self.token(scopes, repository),
                "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": repository}

    # --- a client of few words -------------------------------------------------------

    def twirp(self, method: str, token: str, **fields: Any) -> tuple[int, dict]:
        status, _, answer = self.request(
            "POST", TWIRP + method, json.dumps(fields).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        return status, json.loads(answer)

    def save(self, token: str, key: str, content: bytes, version: str = "v") -> bool:
        """False where the entry exists."""
        status, created = self.twirp("CreateCacheEntry", token, key=key, version=version)
        if status == 409:
            return False
        self.put(created["signed_upload_url"], content)
        _, done = self.twirp("FinalizeCacheEntryUpload", token, key=key, version=version,
                             size_bytes=str(len(content)))
        return done["ok"]

    def put(self, url: str, content: bytes) -> int:
        return self.request("PUT", url, content, {"x-ms-blob-type": "BlockBlob",
                                                  "Content-Type": "application/octet-stream"})[0]

    def find(self, token: str, key: str, *restore_keys: str, version: str = "v") -> str | None:
        """The key that matched."""
        _, found = self.twirp("GetCacheEntryDownloadURL", token, key=key,
                              restore_keys=restore_keys, version=version)
        return found.get("matched_key") if found["ok"] else None

    def restore(self, token: str, key: str, version: str = "v") -> bytes | None:
        _, found = self.twirp("GetCacheEntryDownloadURL", token, key=key, restore_keys=[],
                              version=version)
        return self.request("GET", found["signed_download_url"])[2] if found["ok"] else None
