"""The emulator serves the real clients: npm's @actions/cache and sccache's own
GitHub backend. What they accept from it is what GitHub's service would send."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from tests.e2e import tools
from tests.github.running import MAIN, READ_ONLY, CacheService

HERE = pathlib.Path(__file__).resolve().parent


class ActionsCacheTest(unittest.TestCase):
    """npm @actions/cache, as actions/cache and every setup action use it."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.module = tools.actions_cache()
        cls.node = tools.node()

    def setUp(self) -> None:
        self.service = self.enterContext(CacheService())
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "data").mkdir()
        (self.folder / "data" / "file").write_bytes(os.urandom(300_000))

    def client(self, what: str, key: str, *restore_keys: str, scopes=None, **extra: str) -> dict:
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("ACTIONS_", "GITHUB_", "RUNNER_"))}
        environment |= self.service.job_environment(scopes) | {
            "ACTIONS_CACHE_MODULE": str(self.module), "RUNNER_TEMP": str(self.folder / "temp"),
            "GITHUB_WORKSPACE": str(self.folder), "RUNNER_OS": "Linux"} | extra
        (self.folder / "temp").mkdir(exist_ok=True)
        done = subprocess.run([self.node, HERE / "actions_cache.mjs", what, key, "data", *restore_keys],
                              cwd=self.folder, env=environment, capture_output=True, text=True,
                              timeout=100, check=False)
        line = next((line for line in done.stdout.splitlines() if line.startswith("outcome ")), None)
        self.assertIsNotNone(line, done.stdout + done.stderr)
        return json.loads(line.removeprefix("outcome ")) | {"log": done.stdout + done.stderr}

    def round_trip(self, **extra: str) -> None:
        content = (self.folder / "data" / "file").read_bytes()
        self.assertGreater(self.client("save", "deps-1", **extra)["id"], 0)
        shutil.rmtree(self.folder / "data")

        restored = self.client("restore", "deps-2", "deps-", **extra)

        self.assertEqual(restored["key"], "deps-1", restored["log"])
        self.assertEqual((self.folder / "data" / "file").read_bytes(), content)

    def test_saves_and_restores_by_prefix(self) -> None:
        self.round_trip()
        self.assertEqual(self.service.counters()["calls"], {
            "CreateCacheEntry": 1, "blob.put": 1, "FinalizeCacheEntryUpload": 1,
            "GetCacheEntryDownloadURL": 1, "blob.get": 1})

    def test_saves_and_restores_with_version_one(self) -> None:
        self.round_trip(ACTIONS_CACHE_SERVICE_V2="")
        self.assertEqual(self.service.counters()["calls"]["v1.find"], 1)

    def test_uploads_a_large_entry_in_blocks(self) -> None:
        (self.folder / "data" / "file").write_bytes(os.urandom(140 << 20))  # over 128 MiB in one go
        self.round_trip()
        self.assertGreaterEqual(self.service.counters()["calls"]["blob.block"], 3)

    def test_a_miss_is_quiet(self) -> None:
        outcome = self.client("restore", "nothing", "no-")

        self.assertIsNone(outcome["key"])
        self.assertNotIn("warning", outcome["log"])

    def test_a_second_save_of_a_key_is_told_of_the_first(self) -> None:
        self.client("save", "deps-1")

        outcome = self.client("save", "deps-1")

        self.assertEqual(outcome["id"], -1)
        self.assertNotIn("::warning", outcome["log"])

    def test_a_read_only_token_warns_and_restores(self) -> None:
        self.client("save", "deps-1")

        refused = self.client("save", "deps-2", scopes=[[MAIN, READ_ONLY]])
        restored = self.client("restore", "deps-1", scopes=[[MAIN, READ_ONLY]])

        self.assertEqual(refused["id"], -1)
        self.assertIn("cache write denied", refused["log"])
        self.assertEqual(restored["key"], "deps-1")

    def test_a_limited_client_is_told_when_to_come_back(self) -> None:
        self.service.control("settings", {"uploads_per_minute": 1})
        self.client("save", "deps-1")

        outcome = self.client("save", "deps-2")

        self.assertEqual(outcome["id"], -1)
        self.assertIn("rate limit", outcome["log"].lower())


class SccacheTest(unittest.TestCase):
    """sccache's SCCACHE_GHA backend: OpenDAL, protobuf."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.sccache = tools.sccache()

    def setUp(self) -> None:
        self.service = self.enterContext(CacheService())
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for number in range(3):
            (self.folder / f"{number}.c").write_text(f"int f{number}(void) {{ return {number}; }}\n")

    def compile_all(self, scopes=None) -> dict:
        """The statistics of a fresh server that compiled every file."""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("ACTIONS_", "SCCACHE_"))}
        environment |= self.service.job_environment(scopes) | {
            "SCCACHE_GHA_ENABLED": "on", "SCCACHE_IDLE_TIMEOUT": "0",
            "SCCACHE_SERVER_UDS": str(self.folder / f"s{time.monotonic_ns()}"),
            "SCCACHE_ERROR_LOG": str(self.folder / "log"), "SCCACHE_LOG": "debug"}

        def sccache(*arguments: str) -> str:
            done = subprocess.run([self.sccache, *arguments], cwd=self.folder, env=environment,
                                  capture_output=True, text=True, timeout=60, check=False)
            log = self.folder / "log"
            self.assertEqual(done.returncode, 0, done.stderr
                             + (log.read_text()[-3000:] if log.exists() else ""))
            return done.stdout

        sccache("--start-server")
        try:
            for source in sorted(self.folder.glob("*.c")):
                sccache("gcc", "-c", source.name, "-o", source.stem + ".o")
            deadline = time.monotonic() + 10  # stores happen behind the compilations
            while True:
                statistics = json.loads(sccache("--show-stats", "--stats-format=json"))["stats"]
                done = statistics["cache_writes"] + statistics["cache_write_errors"]
                misses = sum(statistics["cache_misses"]["counts"].values())
                if done >= misses or time.monotonic() > deadline:
                    return statistics
                time.sleep(0.1)
        finally:
            sccache("--stop-server")

    def test_a_second_server_hits_what_the_first_stored(self) -> None:
        cold = self.compile_all()
        warm = self.compile_all()

        self.assertEqual(cold["cache_writes"], 3)
        self.assertEqual(sum(warm["cache_hits"]["counts"].values()), 3)
        self.assertGreaterEqual(self.service.counters()["calls"]["CreateCacheEntry"], 3)

    def test_reads_with_a_read_only_token(self) -> None:
        self.compile_all()

        statistics = self.compile_all([[MAIN, READ_ONLY]])

        self.assertEqual(sum(statistics["cache_hits"]["counts"].values()), 3)

    def test_over_the_limit_stores_are_lost(self) -> None:
        self.service.control("settings", {"uploads_per_minute": 2})

        statistics = self.compile_all()

        self.assertGreaterEqual(statistics["cache_write_errors"], 1)
        self.assertGreaterEqual(self.service.counters()["rate_limited"], 1)


if __name__ == "__main__":
    unittest.main()
