"""What `hearth run --explain` costs a cold build of libmbedcrypto, and of small C files with shared headers. All of its
work is done by sccache's server, which writes a longer log, and by hearth, which reads it: the processor time of these
two is compared, as a share of the build's time, because half a percent of a build is less than builds differ anyway.
It takes many pairs until the interval is narrow.
`recording.py [--pairs 8] [--files 600]`"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import time

from pairs import HEARTH, hearth_environment, interval, work_folder
from servers import finish, say
from small_c import SOURCE, write_project

from tests.e2e import inputs

GOAL = 0.005  # of the time of a cold build, as if nothing else ran meanwhile
HEADERS = 40
EVERY_SECONDS = 0.05  # looking takes time of the processors itself
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(names: set[str], since: int, own: dict[str, float]) -> None:
    """Takes down what each thread of the processes of these names used that began since then, without what they
    started themselves: of the threads that are still there."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) < 2:
            continue
        process = pathlib.Path("/proc") / entry
        try:
            name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
            if name not in names or int(rest.split()[19]) < since:
                continue
            for thread in os.listdir(process / "task"):
                own[thread] = int((process / "task" / thread / "schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue  # ended just now


def ticks_now() -> int:
    return int(float(pathlib.Path("/proc/uptime").read_text().split()[0]) * TICKS)


class Builds:
    """Cold builds of one project through hearth, as on a new runner."""

    def __init__(self, folder: pathlib.Path, project: pathlib.Path, build: str, clean: str):
        self.folder = folder
        self.project = project
        self.build = build
        self.clean = clean
        self.environment = hearth_environment()

    def run(self, explain: bool) -> dict[str, float]:
        """Seconds of all of `hearth run`, and what of the processors hearth and sccache's server took."""
        subprocess.run(["sh", "-c", self.clean], cwd=self.project, check=True, stdout=subprocess.DEVNULL)
        for name in ("store", "backend"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        command = [HEARTH, "run", "--quiet", "--store", self.folder / "store", "--backend",
                   f"disk://{self.folder}/backend", "--tag", "bench", *(["--explain"] if explain else []), "--",
                   "sh", "-c", self.build]
        since, begin = ticks_now(), time.monotonic()
        running = subprocess.Popen([str(word) for word in command], cwd=self.project, env=self.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        own: dict[str, float] = {}
        while not os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            processor_seconds({"sccache", "hearth"}, since, own)
            time.sleep(EVERY_SECONDS)
        took = time.monotonic() - begin
        processor_seconds({"hearth"}, since, own)  # its main thread's last work: it has ended and is still there
        assert running.wait() == 0
        return {"wall": took, "own": sum(own.values())}

    def pairs(self, count: int) -> list[tuple[dict, dict]]:
        found = []
        for i in range(count):
            took = {explain: self.run(explain) for explain in ((False, True) if i % 2 else (True, False))}
            found.append((took[False], took[True]))
            say(f"pair {i + 1}/{count}: without {took[False]['wall']:.2f} s, with {took[True]['wall']:.2f} s")
        return found


def small_files(folder: pathlib.Path, files: int) -> Builds:
    """What costs most: files that take hardly longer to compile than to look up, each with twenty headers."""
    write_project(folder, files)
    for n in range(HEADERS):
        (folder / "src" / f"h{n}.h").write_text(f"struct shared_{n} {{ int a[{n + 1}]; }};\n")
    for n in range(files):
        includes = "".join(f'#include "h{(n + i) % HEADERS}.h"\n' for i in range(HEADERS // 2))
        (folder / "src" / f"f{n}.c").write_text(includes + SOURCE.format(n=n, size=16 + n))
    return Builds(folder.parent, folder, "make -s -j2", "rm -rf out && mkdir out")


def library(folder: pathlib.Path) -> Builds:
    shutil.copytree(inputs.mbedtls(), folder, symlinks=True)
    return Builds(folder.parent, folder, "make -s -C library -j2 CC='sccache cc' libmbedcrypto.a",
                  "make -s -C library clean")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--pairs", type=int, default=8)
    arguments.add_argument("--files", type=int, default=600)
    given = arguments.parse_args()
    figures = {}
    with work_folder() as name:
        folder = pathlib.Path(name)
        for what, builds in (("libmbedcrypto", library(folder / "c" / "project")),
                             (f"{given.files} small C files", small_files(folder / "small" / "project", given.files))):
            pairs = builds.pairs(given.pairs)
            shares = [(b["own"] - a["own"]) / a["wall"] for a, b in pairs]
            low, high = interval(shares)
            figures[what] = {"share": round(statistics.median(shares), 5), "low": round(low, 5), "high": round(high, 5),
                             "wall": round(statistics.median(a["wall"] for a, _ in pairs), 2),
                             "own": round(statistics.median(a["own"] for a, _ in pairs), 2)}
            say(f"{what}: {figures[what]}")
    finish({"workload": "recording, cold", "goal": GOAL, "pairs": given.pairs, **figures},
           figures["libmbedcrypto"]["share"] < GOAL)


if __name__ == "__main__":
    main()
