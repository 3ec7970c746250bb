"""hearth bench on a small C project, with the real sccache: what it measures is what happened, and gates decide."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

from tests.agent.running import HEARTH
from tests.e2e import tools

FILES = 5
TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = "for f in f*.c; do sccache cc -c $f -o ${f%.c}.o || exit 1; done"
CLEAN = "rm -f *.o"


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sccache = tools.sccache()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-bench-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.project = self.folder / "project"
        self.project.mkdir()
        for number in range(FILES):
            (self.project / f"f{number}.c").write_text(f"int f{number}(void) {{ return {number}; }}\n")
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SCCACHE_", "GITHUB_"))}
        self.environment["HEARTH_SCCACHE"] = str(self.sccache)
        # Where a bench keeps what it removes at its end; short, because sockets are in it.
        own = tempfile.TemporaryDirectory(prefix="bench-own-", dir="/tmp")
        self.addCleanup(own.cleanup)
        self.own = pathlib.Path(own.name)
        self.environment["XDG_RUNTIME_DIR"] = str(self.own)

    def bench(self, *arguments: str, build: str = BUILD, status: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run([str(HEARTH), "bench", "--project", str(self.project), "--build", build, "--clean", CLEAN,
                               *arguments], env=self.environment, capture_output=True, text=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def measured(self, *arguments: str) -> dict:
        return json.loads(self.bench("--json", *arguments).stdout)

    def test_cold_misses_and_warm_hits_in_both_ways(self):
        results = self.measured("--rounds", "2", "--no-warm-up")
        self.assertEqual([leg["name"] for leg in results["legs"]], ["local", "proxy"])
        for leg in results["legs"]:
            self.assertEqual(len(leg["rounds"]), 2)
            for one in leg["rounds"]:
                self.assertEqual((one["cold"]["hits"], one["cold"]["misses"]), (0, FILES), leg["name"])
                self.assertEqual((one["warm"]["hits"], one["warm"]["misses"]), (FILES, 0), leg["name"])
            self.assertEqual(leg["warm_hit_rate"], 100)
            self.assertGreater(leg["read_hit_ms"], 0)
        local, proxy = results["legs"]
        self.assertIsNone(local["http_429"], "no backend was asked")
        self.assertEqual((proxy["http_429"], proxy["conflicts"]), (0, 0))
        self.assertEqual(proxy["rounds"][0]["cold"]["published"], FILES)
        self.assertGreater(proxy["against"]["warm"]["ratio"], 0)
        self.assertEqual(list(self.project.glob("*.o")), [], "the project is left clean")
        self.assertEqual(results["notes"], [])

    def test_the_way_without_hearth_does_not_read_the_users_configuration(self):
        settings = self.folder / "home" / ".config" / "sccache" / "config"
        settings.parent.mkdir(parents=True)
        # Nobody listens there: sccache's server would not start with it.
        settings.write_text('[cache.webdav]\nendpoint = "http://127.0.0.1:1"\n')
        self.environment = {name: value for name, value in self.environment.items() if name != "XDG_CONFIG_HOME"}
        self.environment["HOME"] = str(self.folder / "home")
        results = self.measured("--leg", "local", "--rounds", "1", "--no-warm-up")
        self.assertEqual(results["legs"][0]["warm_hit_rate"], 100)

    def test_a_stable_tag_of_a_kept_backend_is_warm_the_second_time_and_it_says_so(self):
        flags = ("--leg", "proxy", "--rounds", "2", "--no-warm-up", "--backend", f"disk://{self.folder}/backend")
        stable = self.measured(*flags)
        self.assertEqual([one["cold"]["hits"] for one in stable["legs"][0]["rounds"]], [0, FILES])
        self.assertRegex(stable["notes"][0], "1 of 2 cold builds had hits")
        scoped = self.measured(*flags, "--tags", "run-scoped")
        self.assertEqual([one["cold"]["hits"] for one in scoped["legs"][0]["rounds"]], [0, 0])
        self.assertEqual([one["warm"]["hits"] for one in scoped["legs"][0]["rounds"]], [FILES, FILES])

    def test_two_ways_on_one_backend_do_not_warm_each_other(self):
        results = self.measured("--leg", "a=--sccache-mode proxy", "--leg", "b=--sccache-mode proxy", "--rounds", "1",
                                "--no-warm-up", "--backend", f"disk://{self.folder}/backend")
        self.assertEqual([leg["rounds"][0]["cold"]["hits"] for leg in results["legs"]], [0, 0])
        self.assertEqual([leg["warm_hit_rate"] for leg in results["legs"]], [100, 100])

    def test_run_scoped_tags_of_two_jobs_of_one_run_are_not_the_same(self):
        self.environment |= {"GITHUB_RUN_ID": "17", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "measure"}
        for _ in range(2):
            results = self.measured("--leg", "proxy", "--rounds", "1", "--no-warm-up", "--tags", "run-scoped",
                                    "--backend", f"disk://{self.folder}/backend")
            self.assertEqual(results["legs"][0]["rounds"][0]["cold"]["hits"], 0)

    def test_a_backend_that_cannot_be_used_is_said(self):
        results = self.measured("--leg", "proxy", "--rounds", "1", "--no-warm-up", "--backend",
                                f"disk://{self.folder}/none/backend")
        self.assertEqual(results["legs"][0]["warm_hit_rate"], 0)
        self.assertRegex(" ".join(results["notes"]), "proxy: backend .* cannot be used")

    def test_jobs_at_once_all_publish_to_one_tag(self):
        results = self.measured("--rounds", "1", "--jobs", "3", "--no-warm-up")
        for leg in results["legs"]:
            parallel = leg["rounds"][0]["parallel"]
            self.assertEqual(parallel["hits"] + parallel["misses"], 3 * FILES, leg["name"])
        proxy = results["legs"][1]["rounds"][0]["parallel"]
        self.assertEqual(proxy["published"], proxy["stored"])

    def test_two_configurations_against_each_other(self):
        results = self.measured("--rounds", "1", "--no-warm-up", "--leg", "proxy=--sccache-mode proxy",
                                "--leg", "direct=--sccache-mode disk")
        self.assertEqual([leg["warm_hit_rate"] for leg in results["legs"]], [100, 100])
        self.assertIn("--sccache-mode disk", results["legs"][1]["how"])

    def test_a_way_has_a_backend_of_its_own_in_either_spelling(self):
        for number, flag in enumerate(("--backend ", "--backend=")):
            own = f"disk://{self.folder}/own-{number}"
            results = self.measured("--rounds", "1", "--no-warm-up", "--backend", f"disk://{self.folder}/common",
                                    "--leg", f"own={flag}{own}")
            self.assertIn(f"--backend {own}", results["legs"][0]["how"])
            self.assertTrue((self.folder / f"own-{number}").is_dir())
            self.assertFalse((self.folder / "common").exists())

    def test_gates_decide_and_files_are_written(self):
        out, chart, summary = (self.folder / name for name in ("out.json", "chart.svg", "summary.md"))
        done = self.bench("--rounds", "1", "--no-warm-up", "--output", str(out), "--svg", str(chart), "--summary",
                          str(summary), "--require", "warm_hit_rate>=95", "--require", "429==0", "--require",
                          "proxy.warm_hit_rate>100", status=1)
        self.assertIn("proxy: proxy.warm_hit_rate>100 does not hold (100.00)", done.stdout)
        self.assertIn("proxy: 429==0 holds", done.stdout)
        self.assertIn("round 1 of 1: proxy warm", done.stderr)
        self.assertIn("| proxy |", summary.read_text())
        self.assertTrue(chart.read_text().startswith("<svg"))
        again = self.bench("--from", str(out), "--compare", str(out), "--require", "conflicts==0")
        self.assertIn("(+0 %)", again.stdout)

    def test_legs_of_two_runs_come_together(self):
        for leg in ("local", "proxy"):
            self.bench("--rounds", "1", "--no-warm-up", "--leg", leg, "--output", str(self.folder / leg))
        both = self.measured("--from", str(self.folder / "local"), "--from", str(self.folder / "proxy"))
        self.assertEqual([leg["name"] for leg in both["legs"]], ["local", "proxy"])
        self.assertEqual(both["legs"][1]["against"]["leg"], "local")
        warm = both["legs"][1]["against"]["warm"]
        self.assertEqual((warm["pairs"], warm["spread"], warm["low"]), (0, "none", None), "they were no pairs")

    def test_a_build_that_fails_is_quoted(self):
        done = self.bench("--rounds", "1", build="echo the reason >&2; exit 7", status=1)
        self.assertIn("exit code 7", done.stderr)
        self.assertIn("the reason", done.stderr)

    def test_wrong_options_are_refused_before_anything_is_built(self):
        for arguments, said in ((("--leg", "remote"), "NAME=FLAGS"),
                                (("--leg", "local", "--leg", "local"), "taken"),
                                (("--leg", "own=--backend"), "needs an URL"),
                                (("--leg", "own=--backend="), "needs an URL"),
                                (("--tags", "fresh"), "run-scoped"),
                                (("--require", "speed>3"), "warm_hit_rate"),
                                (("--require", "429=0"), "needs one of")):
            done = self.bench(*arguments, build=f"touch {self.folder}/built", status=2)
            self.assertIn(said, done.stderr)
        self.assertFalse((self.folder / "built").exists())

    def local_servers(self) -> list[dict[str, str]]:
        """The environments of sccache's servers that measure without hearth, for a bench of this test."""
        found = []
        pattern = re.compile(rf"(^|\0)SCCACHE_DIR={re.escape(str(self.own))}/hearth-[^\0]*/local/sccache")
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if pattern.search(environment):
                found.append(dict(variable.partition("=")[::2] for variable in environment.split("\0")))
        return found

    def test_no_server_and_no_folder_is_left(self):
        self.bench("--rounds", "1", "--no-warm-up")
        self.assertEqual((self.local_servers(), list(self.own.iterdir())), ([], []))

    def test_no_server_and_no_folder_is_left_when_the_terminal_closes(self):
        started = self.folder / "started"
        process = subprocess.Popen([str(HEARTH), "bench", "--project", str(self.project), "--leg", "local", "--build",
                                    f"echo > {started}; exec sleep 60", "--clean", CLEAN, "--no-warm-up"],
                                   env=self.environment, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 30
        while not started.exists():
            self.assertLess(time.monotonic(), deadline, "the build does not start")
            time.sleep(0.01)
        servers = self.local_servers()
        process.send_signal(signal.SIGHUP)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("interrupted", errors)
        self.assertEqual((self.local_servers(), list(self.own.iterdir())), ([], []))
        self.assertEqual(len(servers), 1)
        self.assertGreater(int(servers[0]["SCCACHE_IDLE_TIMEOUT"]), 0, "it must end by itself after a SIGKILL")

    def test_the_script_runs_one_way_and_refuses_others(self):
        environment = self.environment | {"HEARTH": str(HEARTH), "PROJECT": str(self.project), "BUILD": BUILD,
                                          "CLEAN": CLEAN, "ROUNDS": "1", "RESULTS": str(self.folder / "results"),
                                          "SCCACHE_BACKEND": "proxy", "RUN_SCOPED_TAGS": "1", "PARALLEL_JOBS": "2"}
        script = [TOP / "scripts" / "e2e-sccache-test.sh", "--require", "429==0"]
        subprocess.run(script, env=environment, check=True, capture_output=True, timeout=120)
        results = json.loads((self.folder / "results" / "results.json").read_text())
        self.assertEqual([leg["name"] for leg in results["legs"]], ["proxy"])
        self.assertEqual((results["tags"], results["jobs"]), ("run-scoped", 2))
        table = self.folder / "table.json"
        subprocess.run([script[0], "--merge", self.folder, "--output", table], env=environment, check=True,
                       capture_output=True, timeout=60)
        self.assertEqual(json.loads(table.read_text())["legs"], results["legs"])
        for name, value in (("SCCACHE_BACKEND", "redis"), ("RUN_SCOPED_TAGS", "yes"), ("PARALLEL_JOBS", "0")):
            done = subprocess.run(script, env=environment | {name: value}, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{name}={value}", done.stderr)

    def test_the_script_means_relative_folders_from_where_it_is_called(self):
        build = self.folder / "build"
        build.symlink_to(HEARTH.parent)
        environment = self.environment | {"HEARTH": "../build/hearth", "PROJECT": ".", "BUILD": BUILD, "CLEAN": CLEAN,
                                          "ROUNDS": "1", "RESULTS": "../results", "SCCACHE_BACKEND": "proxy"}
        script = os.path.relpath(TOP / "scripts" / "e2e-sccache-test.sh", self.project)
        for arguments in (["--summary", "mine.md"], ["--merge", "../results", "--output", "merged.json"]):
            done = subprocess.run([script, *arguments], env=environment, cwd=self.project, capture_output=True,
                                  text=True, check=False, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| proxy |", (self.project / "mine.md").read_text())
        self.assertEqual(json.loads((self.project / "merged.json").read_text())["project"], "project")


if __name__ == "__main__":
    unittest.main()
