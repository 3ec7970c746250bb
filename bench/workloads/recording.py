"""What `hearth run --explain` costs: builds of small C files with shared headers, with and without it. All of its work is
done by sccache's server, which writes a longer log, and by hearth, which reads it: the processor time of these two is
what is compared, as a share of the build's time, because half a percent of a build is less than builds differ anyway.
`recording.py [--pairs 8] [--files 600]`"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from pairs import HEARTH, TIMED, report, work_folder
from servers import finish
from small_c import SOURCE, write_project

from tests.e2e import tools

GOAL = 0.005  # of the time of a cold build, as if nothing else ran meanwhile
HEADERS = 40
EVERY_SECONDS = 0.01
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(names: set[str], since: int) -> dict[int, float]:
    """Of the processes of these names that began since then, without what they started themselves."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) < 2:
            continue
        try:
            name, _, rest = pathlib.Path(f"/proc/{entry}/stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue  # ended just now
        fields = rest.split()
        if name in names and int(fields[19]) >= since:
            found[int(entry)] = (int(fields[11]) + int(fields[12])) / TICKS
    return found


def ticks_now() -> int:
    return int(float(pathlib.Path("/proc/uptime").read_text().split()[0]) * TICKS)


class Builds:
    """Builds through hearth, each with a fresh store, as on a new runner."""

    def __init__(self, folder: pathlib.Path, files: int):
        self.folder = folder
        self.project = folder / "project"
        write_project(self.project, files)
        for n in range(HEADERS):
            (self.project / "src" / f"h{n}.h").write_text(f"struct shared_{n} {{ int a[{n + 1}]; }};\n")
        for n in range(files):
            includes = "".join(f'#include "h{(n + i) % HEADERS}.h"\n' for i in range(HEADERS // 2))
            (self.project / "src" / f"f{n}.c").write_text(includes + SOURCE.format(n=n, size=16 + n))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("SCCACHE_", "HEARTH_"))}
        self.environment |= {"HEARTH_SCCACHE": str(tools.sccache()), "LAUNCHER": "sccache"}

    def clean(self) -> None:
        shutil.rmtree(self.project / "out")
        (self.project / "out").mkdir()

    def run(self, explain: bool, cold: bool = False) -> dict[str, float]:
        """Seconds of all of `hearth run`, and of the processors while the command ran."""
        self.clean()
        for name in ("store", *(["backend"] if cold else [])):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        out = self.folder / "timed.json"
        command = [HEARTH, "run", "--quiet", "--store", self.folder / "store", "--backend",
                   f"disk://{self.folder}/backend", "--tag", "bench", *(["--explain"] if explain else []), "--",
                   sys.executable, TIMED, out, "make", "-s", "-j2"]
        since, begin = ticks_now(), time.monotonic()
        running = subprocess.Popen([str(word) for word in command], cwd=self.project, env=self.environment,
                                   stdout=subprocess.DEVNULL)
        own: dict[int, float] = {}
        while running.poll() is None:
            own |= processor_seconds({"sccache", "hearth"}, since)
            time.sleep(EVERY_SECONDS)
        assert running.returncode == 0
        wall = time.monotonic() - begin
        return {"wall": wall, "cpu": json.loads(out.read_text())["cpu"], "own": sum(own.values())}

    def pairs(self, count: int, cold: bool) -> list[tuple[dict, dict]]:
        found = []
        for i in range(count):
            took = {explain: self.run(explain, cold) for explain in ((False, True) if i % 2 else (True, False))}
            found.append((took[False], took[True]))
            print(f"  pair {i + 1}/{count}: without {took[False]['wall']:.2f} s, with {took[True]['wall']:.2f} s",
                  file=sys.stderr, flush=True)
        return found


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pairs", type=int, default=8)
    arguments.add_argument("--files", type=int, default=600)
    given = arguments.parse_args()
    with work_folder() as name:
        builds = Builds(pathlib.Path(name), given.files)
        shares = {}
        for what, pairs in (("cold", builds.pairs(max(given.pairs // 2, 1), True)),
                            ("warm", builds.pairs(given.pairs, False))):
            report(f"--explain: {what} build of {given.files} small C files", 1 + GOAL, pairs)
            shares[what] = statistics.median((b["own"] - a["own"]) / a["wall"] for a, b in pairs)
        finish({"workload": "recording", "goal": GOAL, "more_processor_time_per_second_of_build":
                {what: round(share, 5) for what, share in shares.items()}}, shares["cold"] < GOAL)


if __name__ == "__main__":
    main()
