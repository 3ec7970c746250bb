"""A `hearth server` of its own for a benchmark, and what a client says to it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

from pairs import HEARTH

ADMIN = "the-administrators-own-token"
WORKSPACE = "acme/bench"


class Server:
    def __init__(self, process: subprocess.Popen, port: int):
        self.process = process
        self.port = port

    def memory_mib(self) -> dict[str, float]:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        lines = dict(line.split(":", 1) for line in status.splitlines())
        return {name: round(int(lines[name].split()[0]) / 1024, 1) for name in ("VmRSS", "VmHWM")}


@contextlib.contextmanager
def server(folder: pathlib.Path, *flags: str) -> Iterator[Server]:
    (folder / "storage").mkdir(parents=True)
    (folder / "spool").mkdir()
    (folder / "admin").write_text(ADMIN)
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [HEARTH, "server", "--listen", "127.0.0.1:0", "--storage", f"disk://{folder}/storage", "--spool",
         folder / "spool", "--admin-token-file", folder / "admin", "--ready-file", ready, "--rate-limit", "0",
         "--audit-log", folder / "audit.log", *flags], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)
        running = Server(process, int(json.loads(ready.read_text())["endpoint"].rpartition(":")[2]))
        Client(running.port).call("POST", "/v2/workspaces", {"workspace": {"slug": WORKSPACE}})
        yield running
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """One connection; one thread."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, method: str, path: str, body: dict | None = None, headers: dict[str, str] | None = None) -> dict:
        target = path if path.startswith("/v2/") else f"/v2/workspaces/{WORKSPACE}{path}"
        self.connection.request(method, target, json.dumps(body) if body is not None else None,
                                {"Authorization": f"Bearer {ADMIN}"} | (headers or {}))
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status // 100 == 2, f"{method} {path}: {answer.status} {text[:300]!r}"
        return json.loads(text)

    def put(self, url: str, content: bytes) -> None:
        self.connection.request("PUT", "/" + url.split("/", 3)[3], content)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, f"PUT: {answer.status} {text[:300]!r}"

    def store(self, contents: list[bytes]) -> None:
        """Stages and uploads blobs."""
        by_digest = {digest_of(content): content for content in contents}
        staged = self.call("POST", "/caches/blobs/stage",
                           {"blobs": [{"digest": d, "size_bytes": len(c)} for d, c in by_digest.items()]})
        for place in staged["upload_urls"]:
            self.put(place["url"], by_digest[place["digest"]])

    def publish(self, tag: str, content: bytes, if_match: str) -> str:
        """An entry whose manifest is `content`: the tag's new version."""
        entry = self.call("POST", "/caches", {"cache": {
            "tag": tag, "manifest_root_digest": digest_of(content), "compression_algorithm": "zstd",
            "storage_mode": "cas", "total_size_bytes": len(content), "blob_count": 0, "force": True,
            "expected_manifest_digest": digest_of(content), "expected_manifest_size": len(content)}})
        if "manifest_upload_url" in entry:
            self.put(entry["manifest_upload_url"], content)
        return self.call("PUT", f"/caches/tags/{tag}/publish",
                         {"cache_entry_id": entry["cache_entry_id"], "publish_mode": "cas"},
                         {"If-Match": if_match})["version"]


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def finish(result: dict, is_reached: bool) -> None:
    """The line of the result; the goal that was missed is the exit status."""
    print(json.dumps(result | {"reached": is_reached}), flush=True)
    sys.exit(os.EX_OK if is_reached else 1)
