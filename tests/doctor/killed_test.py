"""sccache's server is killed, or stops answering, in the middle of a build through `hearth run`: the build succeeds,
and every compilation is in the figures."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from tests.doctor.world import HEARTH, MAKE, World

OBJECTS = 30
SLOW = "#!/bin/sh\ncase \"$*\" in *-E*) ;; *) sleep 0.05 ;; esac\nexec cc \"$@\"\n"


class Killed(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.c_project(OBJECTS)
        slow = self.world.write("slow/gcc", SLOW)
        slow.chmod(0o755)
        self.summary = self.world.folder / "summary.json"

    def start(self) -> subprocess.Popen:
        command = [HEARTH, "run", "--store", self.world.store, "--backend", self.world.backend, "--tag", "case",
                   "--min-free-space", "0", "--summary-json", self.summary, "--", *MAKE[:-1], "CC=sccache ./slow/gcc"]
        return subprocess.Popen([str(word) for word in command], cwd=self.world.project, env=self.world.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def server(self) -> int:
        mark = f"XDG_CACHE_HOME={self.world.folder}/cache".encode()
        parents = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (entry / "environ").read_bytes().split(b"\0")
                if mark in variables and b"SCCACHE_START_SERVER=1" in variables:
                    parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        # A compiler that it starts has its variables until it is one.
        found = [server for server, parent in parents.items() if parent not in parents]
        self.assertEqual(len(found), 1, parents)
        return found[0]

    def when_built(self, objects: int) -> None:
        deadline = time.monotonic() + 60
        while len(list(self.world.project.glob("*.o"))) < objects and time.monotonic() < deadline:
            time.sleep(0.005)

    def figures(self, build: subprocess.Popen) -> dict:
        output, _ = build.communicate(timeout=120)
        self.assertEqual(build.returncode, 0, output)
        self.assertEqual(len(list(self.world.project.glob("*.o"))), OBJECTS)
        return json.loads(self.summary.read_text())

    def assert_complete(self, figures: dict) -> None:
        """Nothing is missing; what the server was about to answer when it died may be there twice."""
        cut_off = sum(figures["fallbacks"].values())
        self.assertLessEqual(cut_off, 2, figures)  # make -j2
        counted = figures["hits"] + figures["misses"] + cut_off
        self.assertGreaterEqual(counted, OBJECTS, figures)
        self.assertLessEqual(counted, OBJECTS + cut_off, figures)

    def test_a_cold_build_goes_on_and_is_counted(self):
        build = self.start()
        self.when_built(OBJECTS // 3)

        os.kill(self.server(), signal.SIGKILL)
        figures = self.figures(build)

        self.assertEqual(figures["restarts"], 1, figures)
        self.assert_complete(figures)

    def test_a_warm_build_goes_on_and_is_counted(self):
        self.figures(self.start())
        self.world.clean()
        build = self.start()
        self.when_built(OBJECTS // 3)

        os.kill(self.server(), signal.SIGKILL)
        figures = self.figures(build)

        self.assert_complete(figures)
        self.assertEqual(figures["misses"], 0, figures)
        self.assertGreaterEqual(figures["hits"], OBJECTS - 2, figures)


if __name__ == "__main__":
    unittest.main()
