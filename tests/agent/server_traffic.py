"""What clients of a cache server do, for tests of what is to be seen there. Not a test itself."""

from __future__ import annotations

import hashlib
import http.client
import urllib.parse

from tests.agent.cache_server import CacheServer


def publish(server: CacheServer, tag: str, manifest: bytes, version: str = "0") -> None:
    """A tag that points at an entry with this manifest."""
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    status, entry = server.call("POST", "/caches", {"cache": {
        "tag": tag, "manifest_root_digest": digest, "compression_algorithm": "zstd", "storage_mode": "cas",
        "cas_layout": "file-v1", "total_size_bytes": len(manifest), "blob_count": 0,
        "expected_manifest_digest": digest, "expected_manifest_size": len(manifest), "force": True}})
    if status // 100 != 2:
        raise AssertionError(entry)
    if entry.get("manifest_upload_url"):
        url = urllib.parse.urlsplit(entry["manifest_upload_url"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        connection.request("PUT", f"{url.path}?{url.query}", manifest)
        if connection.getresponse().status != 200:
            raise AssertionError("the manifest was not taken")
        connection.close()
    status, answer = server.call("PUT", f"/caches/tags/{tag}/publish",
                                 {"cache_entry_id": entry["cache_entry_id"], "publish_mode": "cas"}, headers={"If-Match": version})
    if status != 200:
        raise AssertionError(answer)


def report_a_day(server: CacheServer, hits: int, misses: int, prefix: str = "sccache/a/b", sessions: int = 1) -> None:
    """What the command line tools of the API report of their work."""
    def rollup(result: str, count: int) -> dict:
        return {"tool": "sccache", "operation": "get", "result": result, "event_count": count,
                "bytes_total": count * 40_000}
    status, answer = server.call("POST", "/cache-rollups", {
        "rollups": [rollup("hit", hits), rollup("miss", misses)],
        "sessions": [{"session_id": f"s{n}-{hits}", "tool": "sccache", "hit_count": hits // sessions,
                      "miss_count": misses // sessions, "bytes_read": hits * 40_000 // sessions,
                      "session_duration_ms": 61_000 + n * 7_000, "run_ref_name": "main"} for n in range(sessions)],
        "missed_keys": [{"tool": "sccache", "key_hash": hashlib.sha256(bytes([n])).hexdigest(),
                         "miss_count": misses // (n + 4), "sampled_key_prefix": prefix} for n in range(6)]})
    if status != 200:
        raise AssertionError(answer)
