"""`hearth server` and its clients as processes: builds with sccache through it, cold and warm, its tokens on the command
line, and what happens when it is killed."""

from __future__ import annotations

import json
import pathlib
import resource
import subprocess
import tempfile
import unittest

from tests.agent.cache_server import ADMIN_TOKEN, WORKSPACE, CacheServer, environment_with
from tests.agent.running import HEARTH
from tests.e2e import tools

FILES = 8
COMPILE = "for file in *.c; do sccache cc -c $file -o ${file%.c}.o || exit 1; done"


class ServerBackend(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-server-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.sources = self.folder / "sources"
        self.sources.mkdir()
        for number in range(FILES):
            (self.sources / f"f{number}.c").write_text(f"int f{number}(int x) {{ return x * {number} + 1; }}\n")
        self.server = CacheServer(self.folder)
        self.addCleanup(self.server.close)
        self.save_token = self.server.new_token("save", "--name", "ci")
        self.runs = 0

    def build(self, *flags: str, server: CacheServer | None = None, environment: dict[str, str] | None = None):
        """One build with a store of its own, as a fresh machine has it."""
        self.runs += 1
        for leftover in self.sources.glob("*.o"):
            leftover.unlink()
        report = self.folder / f"summary-{self.runs}.json"
        environment = environment or environment_with(SAVE=self.save_token)
        environment["PATH"] = f"{tools.sccache().parent}:{environment['PATH']}"
        ended = subprocess.run(
            [HEARTH, "run", "--store", self.folder / f"store-{self.runs}", "--backend",
             (server or self.server).backend, "--tag", "team", "--min-free-space", "0", "--log-level", "info",
             "--summary-json", report, *flags, "--", "sh", "-c", COMPILE],
            cwd=self.sources, env=environment, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(len(list(self.sources.glob("*.o"))), FILES, ended.stderr)
        self.assertNotIn(self.save_token, ended.stderr + ended.stdout)
        return json.loads(report.read_text()), ended.stderr

    def test_a_second_machine_finds_everything(self):
        cold, said = self.build()
        self.assertEqual((cold["hits"], cold["published"], cold["pending"]), (0, FILES, 0), said)

        warm, said = self.build()
        self.assertEqual((warm["hits"], warm["misses"], warm["errors"]), (FILES, 0, 0), said)
        self.assertEqual((warm["published"], warm["conflicts"]), (0, 0), said)
        self.assertIn("boringcache://127.0.0.1", warm["backend"])

    def test_a_token_that_restores_reads_and_publishes_nothing(self):
        self.build()
        reader = environment_with(RESTORE=self.server.new_token("restore"))

        warm, said = self.build("--mode", "read-only", environment=reader)

        self.assertEqual((warm["hits"], warm["misses"]), (FILES, 0), said)

    def test_builds_go_on_without_a_token_that_saves_and_say_so(self):
        reader = environment_with(RESTORE=self.server.new_token("restore"))

        figures, said = self.build("--drain-deadline", "2s", environment=reader)

        self.assertEqual(figures["published"], 0, said)
        self.assertIn("no token that may save", said)

    def test_workspaces_are_listed_shown_and_limited_on_the_command_line(self):
        here = ("--workspace", WORKSPACE)

        listed = self.server.workspace_command("list")
        plain = json.loads(self.server.workspace_command("show", *here, "--json").stdout)
        limited = self.server.workspace_command("set", *here, "--quota", "50GiB", "--idle", "30d")
        taken_back = json.loads(self.server.workspace_command("set", *here, "--quota", "default", "--json").stdout)

        self.assertEqual(listed.stdout.split(), [WORKSPACE], listed.stderr)
        self.assertEqual(plain["limits"], {"quota_bytes": None, "idle_days": None})
        self.assertRegex(plain["signing_key"], r"^ed25519-sha256:[0-9a-f]{64}$")
        self.assertIn("quota        50.0 GiB\nidle         30 days\n", limited.stdout, limited.stderr)
        self.assertEqual(taken_back["limits"], {"quota_bytes": None, "idle_days": 30})

    def test_limits_that_are_none_are_named_and_change_nothing(self):
        here = ("--workspace", WORKSPACE)

        for flags, said in ((("--quota", "much"), "--quota"), (("--idle", "3 weeks"), "--idle"), ((), "nothing to set")):
            ended = self.server.workspace_command("set", *here, *flags)
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn(said, ended.stderr)
        other = self.server.workspace_command("set", *here, "--quota", "1GiB", SAVE=self.save_token)
        nowhere = self.server.workspace_command("show", "--workspace", "nobody/nothing")

        self.assertNotEqual(other.returncode, 0)
        self.assertNotEqual(nowhere.returncode, 0)
        self.assertIn("nobody/nothing", nowhere.stderr)
        shown = json.loads(self.server.workspace_command("show", *here, "--json").stdout)
        self.assertEqual(shown["limits"], {"quota_bytes": None, "idle_days": None})

    def test_a_token_of_a_pull_request_reads_everything_and_writes_its_own(self):
        cold, said = self.build()
        self.assertEqual(cold["published"], FILES, said)
        self.assertEqual(self.server.call("GET", "/tags")[0], 200)
        before = self.server.call("GET", "/tags?filter=hearth_tags_s")[1]["tags"]
        limited = environment_with(SAVE=self.server.new_token("save", "--write-prefix", "hearth_packs_s",
                                                              "--write-prefix", "hearth_tags_snobody_s"))
        (self.sources / "f0.c").write_text("int f0(int x) { return x - 99; }\n")

        figures, said = self.build("--drain-deadline", "2s", environment=limited)

        self.assertEqual((figures["hits"], figures["published"]), (FILES - 1, 0), said)
        self.assertIn("may not write the tag", said)
        self.assertEqual(self.server.call("GET", "/tags?filter=hearth_tags_s")[1]["tags"], before)

    def test_builds_go_on_when_the_server_dies_and_it_loses_nothing(self):
        self.build()
        self.server.kill()

        figures, said = self.build("--drain-deadline", "2s")
        self.assertEqual((figures["hits"], figures["published"]), (0, 0), said)

        self.server.start()
        warm, said = self.build()
        self.assertEqual((warm["hits"], warm["misses"]), (FILES, 0), said)

    def test_two_servers_over_one_storage_are_one(self):
        other = CacheServer(self.folder, "other")
        self.addCleanup(other.close)
        self.build()

        warm, said = self.build(server=other)

        self.assertEqual((warm["hits"], warm["misses"]), (FILES, 0), said)

    def test_the_tags_can_be_listed_and_checked(self):
        self.build()
        environment = environment_with(RESTORE=self.server.new_token("restore"))

        listed = subprocess.run([HEARTH, "ls", "--json", "--backend", self.server.backend], env=environment,
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        tags = json.loads(listed.stdout)["tags"]
        self.assertEqual([tag["tag"] for tag in tags], ["team"])
        checked = subprocess.run([HEARTH, "check", "--backend", self.server.backend, "team"], env=environment,
                                 capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr + checked.stdout)

    def test_the_server_knows_how_the_runs_went(self):
        self.build()
        self.build()

        status, sessions = self.server.call("GET", "/sessions?period=24h", token=self.save_token)
        self.assertEqual(status, 200, sessions)
        runs = [(run["hit_count"], run["miss_count"]) for run in reversed(sessions["sessions"])]
        self.assertEqual(runs, [(0, FILES), (FILES, 0)])
        _, misses = self.server.call("GET", "/misses?limit=100", token=self.save_token)
        self.assertEqual(misses["pagination"]["total"], FILES)
        _, all_of_it = self.server.call("GET", "/status", token=self.save_token)
        self.assertEqual(all_of_it["operations"]["cache"]["hit_rate"], 50.0)

    def test_one_command_cleans_without_a_server(self):
        self.build()
        self.server.end()

        cleaned = subprocess.run(
            [HEARTH, "server", "--storage", self.server.storage, "--clean", "--json", "--idle", "30d",
             "--quota", "10GiB"], capture_output=True, text=True, timeout=60, check=False)

        self.assertEqual(cleaned.returncode, 0, cleaned.stderr)
        figures = json.loads(cleaned.stdout)["workspaces"]["acme/ci"]
        self.assertGreater(figures["blobs"], 0)
        self.assertEqual((figures["removed_blobs"], figures["idle_tags"], figures["quota_tags"]), (0, 0, 0))
        self.server.start()
        warm, said = self.build()
        self.assertEqual((warm["hits"], warm["misses"]), (FILES, 0), said)

    def test_tokens_are_made_listed_rotated_and_revoked(self):
        listed = json.loads(self.server.token_command("list", "--json").stdout)["tokens"]
        self.assertEqual([token["name"] for token in listed], ["ci"])
        token_id = listed[0]["id"]

        rotated = self.server.token_command("rotate", token_id).stdout.strip()
        self.assertEqual(self.server.call("GET", "/tags", token=self.save_token)[0], 401)
        self.assertEqual(self.server.call("GET", "/tags", token=rotated)[0], 200)

        self.assertEqual(self.server.token_command("revoke", token_id).returncode, 0)
        self.assertEqual(self.server.call("GET", "/tags", token=rotated)[0], 401)
        self.assertIn("revoked", self.server.token_command("list").stdout)
        self.assertNotEqual(self.server.token_command("revoke", "t_unknown").returncode, 0)

    def test_the_server_takes_as_many_descriptors_as_it_may_have(self):
        soft, hard = resource.prlimit(0, resource.RLIMIT_NOFILE)
        self.server.end()
        resource.prlimit(0, resource.RLIMIT_NOFILE, (min(256, soft), hard))
        self.addCleanup(resource.prlimit, 0, resource.RLIMIT_NOFILE, (soft, hard))

        self.server.start()

        self.assertEqual(resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE), (hard, hard))

    def test_no_token_is_in_the_log_or_the_storage(self):
        self.build()
        self.assertEqual(self.server.end(), 0)

        secrets = [ADMIN_TOKEN.encode(), self.save_token.rpartition("_")[2].encode()]
        for path in [self.server.log, *pathlib.Path(self.folder / "cache-storage").rglob("*")]:
            if path.is_file():
                content = path.read_bytes()
                self.assertFalse(any(secret in content for secret in secrets), path)


if __name__ == "__main__":
    unittest.main()
