"""Two servers over one storage, a folder or a bucket: sixteen publishers of one tag and sixteen writers of its key rows,
while one of the servers is killed and comes back. Everything that was acknowledged is there, and the versions of the tag
are one line."""

from __future__ import annotations

import hashlib
import http.client
import json
import pathlib
import tempfile
import threading
import unittest
import urllib.parse

from tests.agent.cache_server import CacheServer
from tests.agent.s3_service import S3Service, s3_service

WRITERS = 16
ROUNDS = 4
TAG = "shared"


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def transfer(method: str, url: str, body: bytes | None = None) -> bytes:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status // 100 != 2:
            raise OSError(f"{method}: {answer.status}: {content[:200]}")
        return content
    finally:
        connection.close()


class Team:
    """The servers, and writers that take any of them; one that does not answer is left for the other."""

    def __init__(self, servers: list[CacheServer]):
        self.servers = servers
        self.lock = threading.Lock()
        self.moves: list[tuple[str, str]] = []  # (replaced version, new version) of each acknowledged publish
        self.published: set[str] = set()
        self.rows: set[str] = set()
        self.errors: list[str] = []

    def publish(self, number: int, content: str) -> bool:
        """Adds a line to the tag; False where somebody was faster. OSError: the server is gone, or answers 5xx."""
        server = self.servers[number % len(self.servers)]
        status, pointer = server.call("GET", f"/caches/tags/{TAG}/pointer")
        if status not in (200, 404):
            raise OSError(f"pointer: {status} {pointer}")
        before = transfer("GET", pointer["manifest_url"]).decode() if status == 200 else ""
        version = pointer["version"] if status == 200 else "0"
        manifest = (before + content + "\n").encode()
        status, created = server.call("POST", "/caches", {"cache": {
            "tag": TAG, "manifest_root_digest": digest_of(manifest), "compression_algorithm": "zstd",
            "storage_mode": "cas", "total_size_bytes": len(manifest), "blob_count": 0, "force": True,
            "expected_manifest_digest": digest_of(manifest), "expected_manifest_size": len(manifest)}})
        if status != 201:
            raise OSError(f"create: {status} {created}")
        if "manifest_upload_url" in created:
            transfer("PUT", created["manifest_upload_url"], manifest)
        status, answer = server.call(
            "PUT", f"/caches/tags/{TAG}/publish",
            {"cache_entry_id": created["cache_entry_id"], "publish_mode": "cas"}, headers={"If-Match": version})
        if status == 412:
            return False
        if status != 200:
            raise OSError(f"publish: {status} {answer}")
        with self.lock:
            self.moves.append((version, answer["version"]))
            self.published.add(content)
        return True

    def upsert(self, number: int, key: str, blob: bytes) -> bool:
        server = self.servers[number % len(self.servers)]
        status, answer = server.call("POST", "/cache-kv-entries", {"tag": TAG, "tags": [TAG], "entries": [
            {"namespace": "sccache", "scoped_key": key, "blob_digest": digest_of(blob), "size_bytes": len(blob)}]})
        if status != 200:
            raise OSError(f"upsert: {status} {answer}")
        with self.lock:
            self.rows.add(key)
        listed = {entry["scoped_key"] for entry in
                  self.servers[(number + 1) % len(self.servers)].call("GET", f"/cache-kv-entries?tag={TAG}")[1]["entries"]}
        if key not in listed:
            with self.lock:
                self.errors.append(f"{key} was acknowledged and is not listed by the other server")
        return True

    def work(self, number: int, act) -> None:
        for turn in range(ROUNDS):
            for attempt in range(400):
                try:
                    # A turn that broke off may have been done: it goes by another name.
                    if act(number + attempt, f"{number}-{turn}-{attempt}"):
                        break
                except (OSError, http.client.HTTPException):
                    continue
            else:
                with self.lock:
                    self.errors.append(f"writer {number} never came through")


class Replicas(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-replicas-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check(self, servers: list[CacheServer]) -> None:
        team = Team(servers)
        blob = b"payload"
        staged = servers[0].call("POST", "/caches/blobs/stage",
                                 {"blobs": [{"digest": digest_of(blob), "size_bytes": len(blob)}]})[1]
        transfer("PUT", staged["upload_urls"][0]["url"], blob)
        threads = [threading.Thread(target=team.work, args=(number, team.publish)) for number in range(WRITERS)]
        threads += [threading.Thread(target=team.work, args=(number, lambda n, key: team.upsert(n, key, blob)))
                    for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        for kills in range(2):  # in the middle of it, twice
            threads[kills].join(0.5)
            servers[0].kill()
            threads[kills].join(0.2)
            servers[0].start()
        for thread in threads:
            thread.join(200)
        self.assertEqual(team.errors, [])
        self.assertGreaterEqual(len(team.published), WRITERS * ROUNDS)

        for server in servers:
            pointer = server.call("GET", f"/caches/tags/{TAG}/pointer")[1]
            lines = transfer("GET", pointer["manifest_url"]).decode().splitlines()
            self.assertEqual(len(lines), len(set(lines)), "something was added twice")
            self.assertLessEqual(team.published, set(lines), "an acknowledged publish is lost")
            listed = {entry["scoped_key"] for entry in
                      server.call("GET", f"/cache-kv-entries?tag={TAG}&limit=5000")[1]["entries"]}
            self.assertLessEqual(team.rows, listed, "an acknowledged row is lost")
        replaced = [before for before, _ in team.moves]
        self.assertEqual(len(replaced), len(set(replaced)), "one version was replaced twice")

    def test_over_a_folder(self):
        servers = [CacheServer(self.folder, name) for name in ("first", "second")]
        for server in servers:
            self.addCleanup(server.close)
        self.check(servers)

    def test_over_a_bucket(self):
        service = s3_service(self.folder)
        bucket: S3Service = service.__enter__()
        self.addCleanup(service.__exit__, None, None, None)
        servers = [CacheServer(self.folder, name, bucket.url(), bucket.environment()) for name in ("first", "second")]
        for server in servers:
            self.addCleanup(server.close)
        self.check(servers)


if __name__ == "__main__":
    unittest.main()
