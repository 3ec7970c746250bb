"""The real ccache: its folder is filled from the tag before the build, and what it adds is published. The jobs share
nothing but the backend's folder."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests.agent.running import HEARTH, Agent
from tests.e2e import tools

FILES = 6
COMPILE_ALL = "for f in f*.c; do ccache gcc -c $f -o ${f%.c}.o || exit 1; done"


class Ccache(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sccache = tools.sccache()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-ccache-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SCCACHE_", "CCACHE_"))}
        self.environment["HEARTH_SCCACHE"] = str(self.sccache)

    def checkout(self) -> pathlib.Path:
        """Fresh sources at the same place, as a runner gets them."""
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "shared.h").write_text("#include <stdio.h>\n")
        for number in range(FILES):
            (work / f"f{number}.c").write_text(
                f'#include "shared.h"\nint f{number}(void) {{ return puts("{number}"); }}\n')
        return work

    def run_job(self, store: str, script: str = COMPILE_ALL, *flags: str) -> dict:
        command = [HEARTH, "run", "--store", self.folder / store, "--backend", f"disk://{self.folder}/backend", "--tag",
                   "ccache", "--summary-json", self.folder / f"{store}.json", "--min-free-space", "0", "--ccache",
                   *flags, "--", "sh", "-c", script]
        done = subprocess.run(command, cwd=self.checkout(), env=self.environment, check=False, capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads((self.folder / f"{store}.json").read_text())

    @staticmethod
    def ccache_row(summary: dict) -> tuple[int, int]:
        row = summary["languages"]["C/C++ (ccache)"]
        return row["hits"], row["misses"]

    def test_a_fresh_job_hits_everything(self):
        cold = self.run_job("cold")
        self.assertEqual(self.ccache_row(cold), (0, FILES))
        # A manifest and a result of each source.
        self.assertEqual((cold["stores"], cold["published"], cold["pending"]), (2 * FILES, 2 * FILES, 0))

        warm = self.run_job("fresh")

        self.assertEqual(self.ccache_row(warm), (FILES, 0))
        self.assertEqual((warm["hits"], warm["misses"], warm["hit_rate"]), (FILES, 0, 100))
        self.assertEqual(warm["published"], 0, "nothing is new")
        self.assertEqual(list(self.folder.glob("fresh/ccache")), [], "the folder went with the job")

    def test_counts_what_ccache_counts_itself(self):
        self.run_job("cold")
        done = self.run_job("again", COMPILE_ALL + "; CCACHE_NODIRECT=1 ccache gcc -c f0.c; echo 'int x;' > new.c; "
                            "ccache gcc -c new.c; ccache --print-stats > ../counted; ccache -p > ../settings")

        counted = dict(line.split("\t") for line in (self.folder / "counted").read_text().splitlines())
        self.assertEqual(counted["preprocessed_cache_hit"], "1")
        self.assertEqual(self.ccache_row(done),
                         (int(counted["direct_cache_hit"]) + int(counted["preprocessed_cache_hit"]),
                          int(counted["cache_miss"])))
        self.assertRegex((self.folder / "settings").read_text(), r"again/ccache/cache/ccache.conf\) max_size")

    def test_a_manifest_that_grew_is_published_anew(self):
        self.run_job("cold")
        other_header = "echo 'extern int other;' >> shared.h; " + COMPILE_ALL
        self.assertEqual(self.run_job("other", other_header)["misses"], FILES)

        self.assertEqual(self.run_job("first-again")["hits"], FILES)
        self.assertEqual(self.run_job("other-again", other_header)["hits"], FILES)

    def test_beside_sccache_both_are_counted(self):
        both = COMPILE_ALL + "; for f in f*.c; do sccache gcc -c $f -o ${f%.c}.s.o || exit 1; done"
        cold = self.run_job("cold", both)
        self.assertEqual(cold["misses"], 2 * FILES)

        warm = self.run_job("warm", both)

        self.assertEqual((warm["hits"], warm["misses"]), (2 * FILES, 0))
        self.assertEqual(warm["languages"]["C/C++"]["hits"], FILES)

    def test_an_agent_that_is_killed_leaves_the_folder_for_the_next_one(self):
        cache = self.folder / "cache"
        environment = {**self.environment, "CCACHE_DIR": str(cache)}
        with tempfile.TemporaryDirectory() as stores:
            agent = Agent(pathlib.Path(stores), flags=("--ccache-dir", str(cache)))
            self.addCleanup(agent.close)
            subprocess.run(["sh", "-c", COMPILE_ALL], cwd=self.checkout(), env=environment, check=True)
            agent.kill()
            agent.start()
            figures = agent.command_line("drain")
            self.assertEqual(figures["published"], 2 * FILES)
            self.assertEqual(figures["misses"], FILES)


if __name__ == "__main__":
    unittest.main()
