"""Two ways of running one build, interleaved, and what their times say as a ratio.

One side is sccache on its local disk, the other the same build through `hearth run`.
Every build has a new server; the one of `hearth run` is started within the time
that counts, the other's before it. A third
party on the machine slows both sides of a pair alike; the ratio of a pair is what
counts, its median is the result, with an interval or a range around it.
"""

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP))

from tests.e2e import tools  # noqa: E402  (after the path is set)

HEARTH = TOP / "build" / "release" / "bin" / "hearth"
FEWEST_FOR_INTERVAL = 6  # 0.5 ** 5 is over the 2.5 % that may lie beyond each limit
TIMED = pathlib.Path(__file__).with_name("timed.py")


def clean_environment() -> dict[str, str]:
    """This one without what anybody set for sccache or hearth."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("SCCACHE_", "HEARTH_"))}


def hearth_environment() -> dict[str, str]:
    """For `hearth run` of a build that calls its compiler through $LAUNCHER."""
    return clean_environment() | {"HEARTH_SCCACHE": str(tools.sccache()), "LAUNCHER": "sccache"}


class Sides:
    """The two ways, each with a folder of its own for everything it keeps."""

    def __init__(self, folder: pathlib.Path, build: list[str], where: pathlib.Path,
                 local_environment: dict[str, str] | None = None, hearth_flags: tuple[str, ...] = ()):
        self.folder = folder
        self.build = build
        self.where = where
        self.sccache = tools.sccache()
        self.local_environment = local_environment or {}
        self.hearth_flags = hearth_flags
        self.backend = f"disk://{folder}/backend"
        self.summary: dict = {}

    def forget(self) -> None:
        for name in ("local", "store", "backend"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        return clean_environment() | {"CARGO_INCREMENTAL": "0"}

    def local(self) -> dict[str, float]:
        """sccache alone; its server is stopped before and after."""
        socket = self.folder / "local.sock"
        environment = self.environment() | self.local_environment | {
            "SCCACHE_DIR": str(self.folder / "local"), "SCCACHE_SERVER_UDS": str(socket),
            "SCCACHE_IDLE_TIMEOUT": "0", "SCCACHE_CACHE_SIZE": "20G",
            "RUSTC_WRAPPER": str(self.sccache), "LAUNCHER": str(self.sccache)}
        socket.unlink(missing_ok=True)
        # Started here, not by the build: two first calls at once would each start one on the same
        # socket and leave the other behind. What starting costs is not counted, in its favour.
        self.server("--start-server", environment)
        took = self.timed([], environment)
        self.server("--stop-server", environment)
        return took

    def server(self, option: str, environment: dict[str, str]) -> None:
        subprocess.run([self.sccache, option], env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def through_hearth(self) -> dict[str, float]:
        """A fresh local store each time: what is warm is the backend, as on a new runner."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)
        environment = self.environment() | {"HEARTH_SCCACHE": str(self.sccache), "LAUNCHER": "sccache"}
        summary = self.folder / "summary.json"
        took = self.timed([str(HEARTH), "run", "--quiet", "--store", str(self.folder / "store"),
                           "--backend", self.backend, "--tag", "bench",
                           "--summary-json", str(summary), *self.hearth_flags, "--"], environment)
        self.summary = json.loads(summary.read_text())
        return took

    def timed(self, prefix: list[str], environment: dict[str, str]) -> dict[str, float]:
        out = self.folder / "timed.json"
        subprocess.run([*prefix, sys.executable, str(TIMED), str(out), *self.build], cwd=self.where,
                       env=environment, check=True, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text())


def interval(ratios: list[float]) -> tuple[float, float]:
    """95 % of the medians of 2,000 resamples; of fewer than six, which have no such interval, lowest and highest."""
    if len(ratios) < FEWEST_FOR_INTERVAL:
        return min(ratios), max(ratios)
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[50], medians[1949]


def report(name: str, goal: float, pairs: list[tuple[dict, dict]], extra: dict | None = None) -> dict:
    """Prints and returns the ratios of hearth to local, of wall time and, where it was taken, of processor time."""
    result: dict = {"workload": name, "goal": goal, "pairs": len(pairs), **(extra or {})}
    for figure in pairs[0][1]:
        ratios = [hearth[figure] / local[figure] for local, hearth in pairs]
        low, high = interval(ratios)
        result[figure] = {"ratio": round(statistics.median(ratios), 3), "low": round(low, 3),
                          "high": round(high, 3),
                          "local_seconds": round(statistics.median(p[0][figure] for p in pairs), 3),
                          "hearth_seconds": round(statistics.median(p[1][figure] for p in pairs), 3)}
    print(json.dumps(result), flush=True)
    return result


def interleave(sides: Sides, count: int, before=lambda: None) -> list[tuple[dict, dict]]:
    pairs = []
    for i in range(count):
        order = [sides.local, sides.through_hearth]
        if i % 2:
            order.reverse()
        took = {}
        for side in order:
            before()
            took[side.__name__] = side()
        pairs.append((took["local"], took["through_hearth"]))
        print(f"  pair {i + 1}/{count}: local {pairs[-1][0]['wall']:.2f} s, "
              f"hearth {pairs[-1][1]['wall']:.2f} s", file=sys.stderr, flush=True)
    return pairs


def work_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="hearth-bench-")
