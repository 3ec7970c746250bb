"""sccache 0.16.0 in disk mode: its folder is filled from the tag before it starts, and what it adds is published. The
jobs share nothing but the backend's folder."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from tests.agent.running import HEARTH
from tests.e2e import tools
from tests.github.running import CacheService

FILES = 6
COMPILER = """#!/bin/sh
echo "$*" >> '{log}'
exec gcc "$@"
"""
COMPILE_ALL = "for f in f*.c; do sccache '{compiler}' -c $f -o ${{f%.c}}.o || exit 1; done"
LIST_FOLDER = ("cd $(sed -n 's/^env.SCCACHE_DIR=//p' $(dirname $RUSTC_WRAPPER)/launcher.conf) && "
               "find . -type f | sort > '{list}'")


class DiskMode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sccache = tools.sccache()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-disk-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.compiler = self.folder / "cc"
        self.calls = self.folder / "calls"
        self.compiler.write_text(COMPILER.format(log=self.calls))
        self.compiler.chmod(0o755)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SCCACHE_")}
        self.environment["HEARTH_SCCACHE"] = str(self.sccache)
        self.work = self.checkout("work")
        self.backend = f"disk://{self.folder}/backend"

    def checkout(self, name: str) -> pathlib.Path:
        """Fresh sources, as a runner gets them."""
        work = self.folder / name
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "shared.h").write_text("#include <stdio.h>\n")
        for number in range(FILES):
            (work / f"f{number}.c").write_text(
                f'#include "shared.h"\nint f{number}(void) {{ return puts("{number}"); }}\n')
        return work

    def command(self, store: str, script: str, *flags: str) -> list[str]:
        return [str(HEARTH), "run", "--store", str(self.folder / store), "--backend", self.backend,
                "--tag", "disk", "--summary-json", str(self.folder / f"{store}.json"), "--min-free-space", "0",
                *flags, "--", "sh", "-c", script]

    def run_job(self, store: str, *flags: str, work: pathlib.Path | None = None) -> dict:
        """The summary of a job that compiles everything."""
        self.calls.write_text("")
        script = " && ".join((COMPILE_ALL, f"({LIST_FOLDER} || true)")).format(
            compiler=self.compiler, list=self.folder / f"{store}.list")
        done = subprocess.run(self.command(store, script, *flags), cwd=work or self.work, env=self.environment,
                              check=False, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads((self.folder / f"{store}.json").read_text())
        self.assertEqual(summary["hits"] + summary["misses"], FILES, summary)
        return summary

    def files_of(self, store: str) -> list[str]:
        return (self.folder / f"{store}.list").read_text().split()

    def compiled(self) -> list[str]:
        """Calls of the compiler that name a source, preprocessing included."""
        return [call for call in self.calls.read_text().splitlines() if re.search(r"\bf\d\.c\b", call)]

    def test_a_fresh_job_hits_everything_without_running_the_preprocessor(self):
        cold = self.run_job("cold", "--sccache-mode", "disk")
        self.assertEqual((cold["hits"], cold["misses"], cold["sccache_mode"]), (0, FILES, "disk"))
        # A result and what was learnt about its source, each; and the record of the mode.
        self.assertEqual((cold["stores"], cold["published"], cold["pending"]), (2 * FILES + 1, 2 * FILES + 1, 0))
        self.assertGreaterEqual(len(self.compiled()), FILES)

        self.checkout("work")
        warm = self.run_job("fresh")

        self.assertEqual((warm["hits"], warm["misses"], warm["sccache_mode"]), (FILES, 0, "disk"))
        self.assertEqual(self.compiled(), [])
        self.assertEqual((warm["stores"], warm["published"], warm["generation"]), (0, 0, 1))
        self.assertEqual(warm["notes"], [])
        self.assertEqual(self.files_of("fresh"), self.files_of("cold"))  # as sccache itself had laid them out

    def test_the_tag_may_be_behind_a_network(self):
        with CacheService() as service:
            self.backend = "github"
            self.environment.update(service.job_environment())
            cold = self.run_job("cold", "--sccache-mode", "disk")
            self.assertEqual((cold["misses"], cold["published"], cold["pending"]), (FILES, 2 * FILES + 1, 0), cold)
            self.checkout("work")

            warm = self.run_job("fresh")

        self.assertEqual((warm["hits"], warm["misses"], warm["sccache_mode"]), (FILES, 0, "disk"), warm)
        self.assertEqual(self.compiled(), [])

    def test_what_changed_is_added_and_the_rest_hits(self):
        self.run_job("cold", "--sccache-mode", "disk")
        (self.work / "f0.c").write_text("int f0(void) { return 42; }\n")

        second = self.run_job("second")
        third = self.run_job("third")

        self.assertEqual((second["hits"], second["misses"], second["published"]), (FILES - 1, 1, 2))
        self.assertEqual((third["hits"], third["misses"]), (FILES, 0))

    def test_the_mode_stays_until_it_is_changed_and_a_change_is_announced(self):
        self.run_job("cold", "--sccache-mode", "disk")

        proxy = self.run_job("proxy", "--sccache-mode", "proxy")
        self.assertEqual((proxy["hits"], proxy["sccache_mode"]), (0, "proxy"))
        self.assertTrue(any("a cold start" in note for note in proxy["notes"]), proxy["notes"])

        automatic = self.run_job("automatic")
        self.assertEqual((automatic["hits"], automatic["sccache_mode"], automatic["notes"]), (FILES, "proxy", []))

        back = self.run_job("back", "--sccache-mode", "disk")
        self.assertEqual((back["hits"], back["sccache_mode"]), (FILES, "disk"))  # what was filled in is still there
        self.assertFalse(any("cold" in note for note in back["notes"]), back["notes"])

    def test_another_path_is_not_filled_by_itself(self):
        self.run_job("cold", "--sccache-mode", "disk")

        elsewhere = self.run_job("elsewhere", work=self.checkout("elsewhere"))

        self.assertEqual(elsewhere["sccache_mode"], "proxy")
        self.assertTrue(any("another path" in note for note in elsewhere["notes"]), elsewhere["notes"])
        self.assertEqual(self.run_job("again")["sccache_mode"], "disk")

    def test_a_read_only_job_hits_and_publishes_nothing(self):
        self.run_job("cold", "--sccache-mode", "disk")
        (self.work / "f0.c").write_text("int f0(void) { return 42; }\n")

        warm = self.run_job("fresh", "--mode", "read-only")

        self.assertEqual((warm["hits"], warm["misses"], warm["errors"]), (FILES - 1, 1, 0))
        self.assertEqual((warm["published"], warm["refused"]), (0, 2))

    def test_nothing_is_left_lying_about(self):
        self.run_job("cold", "--sccache-mode", "disk")
        self.assertFalse((self.folder / "cold" / "sccache").exists())

    def test_a_killed_agent_costs_the_last_interval_and_no_build(self):
        first, last, end = (self.folder / name for name in ("first", "last", "end"))
        script = (f"for f in f0 f1 f2; do sccache '{self.compiler}' -c $f.c -o $f.o || exit 1; done; touch {first}; "
                  f"while [ ! -e {end} ]; do sleep 0.1; done; "
                  f"for f in f3 f4 f5; do sccache '{self.compiler}' -c $f.c -o $f.o || exit 1; done; "
                  f"sccache --stop-server; dirname $(dirname $RUSTC_WRAPPER) > {last}.new; mv {last}.new {last}")
        job = subprocess.Popen(self.command("killed", script, "--sccache-mode", "disk"), cwd=self.work,
                               env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for(first.exists)
        pointers = self.folder / "backend" / "tags"
        self.wait_for(lambda: any(path.is_file() for path in pointers.rglob("*")))  # collected and published
        job.send_signal(signal.SIGKILL)
        job.wait(30)
        end.touch()
        self.wait_for(last.exists)
        shutil.rmtree(last.read_text().strip())
        for number in range(FILES):
            self.assertTrue((self.work / f"f{number}.o").exists())

        after = self.run_job("fresh")

        self.assertEqual((after["hits"], after["sccache_mode"]), (3, "disk"))
        self.assertEqual(self.run_job("finally")["hits"], FILES)

    def wait_for(self, condition) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
