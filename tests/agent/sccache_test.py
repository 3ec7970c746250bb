"""The real sccache 0.16.0 through the real launcher and the real agent, as `hearth run` puts them together."""

import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from tests.agent.running import HEARTH
from tests.e2e import tools

FILES = 6


class WithRealSccache(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sccache = tools.sccache()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-run-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.work = self.folder / "work"
        self.work.mkdir()
        for number in range(FILES):
            (self.work / f"f{number}.c").write_text(f"int f{number}(void) {{ return {number}; }}\n")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SCCACHE_")}
        self.environment["HEARTH_SCCACHE"] = str(self.sccache)
        self.environment["PYTHONPATH"] = ""

    def command(self, store: str, *command: str, flags: tuple[str, ...] = ()) -> list[str]:
        return [str(HEARTH), "run", "--store", str(self.folder / store), "--backend", f"disk://{self.folder}/backend",
                "--tag", "integration", "--summary-json", str(self.folder / f"{store}.json"), "--min-free-space", "0",
                *flags, "--", *command]

    def run_job(self, store: str, *command: str, flags: tuple[str, ...] = (), **options) -> subprocess.CompletedProcess:
        options = {"env": self.environment, "capture_output": True, "text": True, "timeout": 120, **options}
        return subprocess.run(self.command(store, *command, flags=flags), check=False, **options)

    def compile(self, store: str, flags: tuple[str, ...] = ()) -> tuple[dict, list[dict]]:
        """The summary and the requests after each file; the objects are checked for what they hold."""
        for made in self.work.glob("*.o"):
            made.unlink()
        result = self.folder / f"{store}.counts"
        done = self.run_job(store, sys.executable, str(pathlib.Path(__file__).with_name("compile_job.py")),
                            str(self.work), str(result), flags=flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        for number in range(FILES):
            symbols = subprocess.run(["nm", f"f{number}.o"], cwd=self.work, check=True, capture_output=True, text=True)
            self.assertIn(f"T f{number}", symbols.stdout)
        return json.loads((self.folder / f"{store}.json").read_text()), json.loads(result.read_text())

    def test_a_second_job_hits_everything_and_each_store_costs_three_requests(self):
        cold, counts = self.compile("cold")
        self.assertEqual((cold["hits"], cold["misses"], cold["stores"]), (0, FILES, FILES))
        self.assertEqual((cold["published"], cold["pending"], cold["generation"]), (FILES, 0, 1))
        self.assertEqual(cold["sccache_mode"], "proxy")
        # The first file also pays for the probe; from then on it is one lookup, one PROPFIND, one PUT. The metrics
        # are asked for with a GET of their own, counted once it was answered.
        for before, after in zip(counts[1:], counts[2:]):
            grown = {method: after[method] - before.get(method, 0) for method in after}
            self.assertEqual({method: count for method, count in grown.items() if count},
                             {"GET": 2, "PROPFIND": 1, "PUT": 1})

        warm, counts = self.compile("fresh")
        self.assertEqual((warm["hits"], warm["misses"], warm["hit_rate"]), (FILES, 0, 100))
        self.assertEqual((warm["stores"], warm["published"], warm["generation"]), (0, 0, 1))
        self.assertIsNotNone(warm["latency_ms"]["p95"])
        for before, after in zip(counts, counts[1:]):
            grown = {method: after[method] - before.get(method, 0) for method in after}
            self.assertEqual({method: count for method, count in grown.items() if count}, {"GET": 2})

    def test_the_tag_remembers_its_last_runs_for_machines_that_are_new(self):
        for run in ("1-1", "2-1", "3-1"):
            (self.work / f"f{run[0]}.c").write_text(f"int f{run[0]}(void) {{ return 10{run}; }}\n")
            summary, _ = self.compile(f"machine{run}", flags=("--run", run))

        earlier = summary["earlier_runs"]
        self.assertEqual([(run["run"], run["hits"], run["misses"]) for run in earlier],
                         [("1-1", 0, FILES), ("2-1", FILES - 1, 1)])
        self.assertGreater(earlier[0]["seconds"], 0)

    def test_a_read_only_job_hits_and_publishes_nothing(self):
        self.compile("cold")
        (self.work / "f0.c").write_text("int f0(void) { return 42; }\n")

        warm, _ = self.compile("fresh", flags=("--mode", "read-only"))

        self.assertEqual((warm["hits"], warm["misses"], warm["errors"]), (FILES - 1, 1, 0))
        self.assertEqual((warm["published"], warm["refused"]), (0, 1))

    def test_a_backend_that_is_gone_fails_no_build(self):
        (self.folder / "backend").write_text("a file where a folder should be")
        summary, _ = self.compile("cold")
        self.assertEqual((summary["hits"], summary["misses"], summary["errors"]), (0, FILES, 0))

    def test_without_sccache_the_command_runs_uncached(self):
        self.environment["HEARTH_SCCACHE"] = "/no/such/sccache"
        done = self.run_job("store", "sh", "-c", "echo built; exit 5")
        self.assertEqual((done.returncode, done.stdout), (5, "built\n"))
        self.assertIn("/no/such/sccache", done.stderr)

    def test_the_commands_exit_code_and_streams_are_its_own(self):
        done = self.run_job("store", "sh", "-c", "cat; echo out; echo err >&2; exit 7", input="in\n")
        self.assertEqual((done.returncode, done.stdout), (7, "in\nout\n"))
        self.assertTrue(done.stderr.startswith("err\n"), done.stderr)
        self.assertEqual(self.run_job("store", "sh", "-c", "kill -TERM $$").returncode, 128 + signal.SIGTERM)
        self.assertEqual(self.run_job("store", "no-such-command").returncode, 127)

    def test_the_command_is_told_to_end_when_we_are(self):
        marker = self.folder / "started"
        process = subprocess.Popen(self.command("store", "sh", "-c", f"echo > {marker}; exec sleep 60"),
                                   env=self.environment, stderr=subprocess.PIPE, text=True)
        self.wait_for(marker)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertIn("published", errors)  # and the summary is printed all the same

    def test_a_terminals_signal_and_a_parents_are_one(self):
        """Ctrl-C in `hearth bench`: the terminal sends SIGINT to both, and the bench SIGTERM to its build."""
        started, told = self.folder / "started", self.folder / "told"
        build = f"trap 'echo > {told}; exit 3' TERM; echo > {started}; while :; do sleep 0.05; done"
        process = subprocess.Popen(self.command("store", "sh", "-c", build), env=self.environment,
                                   stderr=subprocess.PIPE, text=True)
        self.wait_for(started)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 3, errors)
        self.assertTrue(told.exists())
        self.assertEqual(json.loads((self.folder / "store.json").read_text())["pending"], 0)

    def test_a_terminal_that_closes_costs_no_summary(self):
        started, told, go = (self.folder / name for name in ("started", "told", "go"))
        os.mkfifo(go)
        build = f"trap 'echo > {told}; read _ < {go}; exit 3' TERM; echo > {started}; while :; do sleep 0.05; done"
        master, terminal = os.openpty()

        def take_terminal():
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        process = subprocess.Popen(self.command("store", "sh", "-c", build), env=self.environment, stdin=terminal,
                                   stdout=terminal, stderr=terminal, start_new_session=True, preexec_fn=take_terminal)
        self.addCleanup(process.kill)
        os.close(terminal)
        self.wait_for(started)
        os.close(master)
        self.wait_for(told)
        process.send_signal(signal.SIGHUP)  # the second one, of a shell that ends
        go.write_text("on\n")
        self.assertEqual(process.wait(30), 3)
        self.assertEqual(json.loads((self.folder / "store.json").read_text())["pending"], 0)

    def test_nothing_ends_at_a_hangup_that_is_ignored(self):
        done = self.run_job("store", "sh", "-c", "kill -HUP $PPID; kill -HUP $$; echo built",
                            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.assertEqual((done.returncode, done.stdout), (0, "built\n"))

    def wait_for(self, path: pathlib.Path) -> None:
        deadline = time.monotonic() + 30
        while not path.exists():
            self.assertLess(time.monotonic(), deadline, f"{path.name} does not come")
            time.sleep(0.01)

    def test_foreign_settings_do_not_reach_sccache(self):
        self.environment.update({"SCCACHE_BUCKET": "stray", "SCCACHE_ENDPOINT": "http://127.0.0.1:1",
                                 "http_proxy": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "x",
                                 "AWS_SECRET_ACCESS_KEY": "y"})
        summary, _ = self.compile("cold")
        self.assertEqual((summary["misses"], summary["stores"], summary["published"]), (FILES, FILES, FILES))

    def test_two_jobs_at_once_share_the_tag_and_neither_waits_for_the_store(self):
        script = "sccache cc -c f{0}.c -o f{0}.o && sleep 0.3"
        jobs = [subprocess.Popen(self.command("store", "sh", "-c", script.format(number)), cwd=self.work,
                                 env=self.environment, stderr=subprocess.PIPE, text=True) for number in range(2)]
        for job in jobs:
            _, errors = job.communicate(timeout=60)
            self.assertEqual(job.returncode, 0, errors)
        summary, _ = self.compile("fresh")
        self.assertEqual((summary["hits"], summary["misses"]), (2, FILES - 2))

    def test_nothing_is_left_running_or_lying_about(self):
        done = self.run_job("store", "sh", "-c", "cd '" + str(self.work) + "' && sccache cc -c f0.c -o f0.o && "
                            "dirname $(dirname $RUSTC_WRAPPER)")
        folder = done.stdout.strip().splitlines()[-1]
        self.assertTrue(folder.startswith("/"), done.stdout)
        self.assertFalse(pathlib.Path(folder).exists())
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                self.assertNotIn(folder.encode(), (process / "environ").read_bytes(), process)
            except OSError:
                continue


if __name__ == "__main__":
    unittest.main()
