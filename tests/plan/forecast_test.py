"""The forecast of `hearth plan` from recorded runs, against the runs that come after it, with the real sccache."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import unittest

from tests.doctor.world import HEARTH, MAKE, World

OBJECTS = 20
CHANGED = 2  # by each run


class Forecast(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.world.c_project(OBJECTS)
        self.revision = 0

    def change(self, project: pathlib.Path) -> None:
        """The next revision: other sources than the one before it changed."""
        for i in range(CHANGED):
            n = (self.revision * CHANGED + i) % OBJECTS
            (project / f"a{n}.c").write_text(f"int f{n}(void) {{ return {n} + {1000 + self.revision}; }}\n")
        self.revision += 1

    def build(self, project: pathlib.Path) -> float:
        """The next revision of the project through hearth; the hit rate it had."""
        self.world.clean()
        summary = self.world.folder / "summary.json"
        self.world.run(*MAKE, flags=("--summary-json", str(summary)), cwd=project)
        return json.loads(summary.read_text())["hit_rate"]

    def plan(self) -> dict:
        return json.loads(self.world.call(HEARTH, "plan", "--json", "--store", self.world.store).stdout)

    def test_tells_the_hit_rate_of_the_next_run(self):
        for _ in range(4):
            self.build(self.world.project)
            self.change(self.world.project)

        said = self.plan()
        recorded = share(self.build(self.world.project))

        self.assertAlmostEqual(said["table"][0]["hit_rate"], recorded, delta=0.05)
        again = self.plan()["hits"]
        self.assertAlmostEqual(again["checks"][-1]["recorded"], recorded, delta=0.001)
        self.assertLess(again["mean_error"], 0.05)

    def test_tells_what_two_at_once_hit_at_least(self):
        for _ in range(5):
            self.build(self.world.project)
            self.change(self.world.project)
        said = self.plan()["table"][1]
        self.assertEqual(said["agents"], 2)
        self.world.clean()
        other = self.world.folder / "other"
        shutil.copytree(self.world.project, other)
        self.change(other)  # its revision is one further and holds the first one's changes

        rates = [share(rate) for rate in self.at_once([self.world.project, other])]

        mean = sum(rates) / len(rates)
        self.assertLessEqual(said["hit_rate"], mean + 0.001, rates)
        self.assertGreaterEqual(said["hit_rate"], mean - 0.15, rates)

    def at_once(self, projects: list[pathlib.Path]) -> list[float]:
        running = []
        for i, project in enumerate(projects):
            summary = self.world.folder / f"summary{i}.json"
            command = [HEARTH, "run", "--store", self.world.folder / f"store{i}", "--backend", self.world.backend,
                       "--tag", "case", "--min-free-space", "0", "--summary-json", summary, "--", *MAKE]
            running.append((subprocess.Popen([str(word) for word in command], cwd=project, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                             env=self.world.environment), summary))
        for process, _ in running:
            self.assertEqual(process.wait(90), 0)
        return [json.loads(summary.read_text())["hit_rate"] for _, summary in running]


def share(percent: float) -> float:
    return percent / 100


if __name__ == "__main__":
    unittest.main()
