"""What `hearth run --explain` costs: builds of small C files with shared headers, with and without it.
`recording.py [--pairs 8] [--files 600]`"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from pairs import HEARTH, TIMED, report, work_folder
from small_c import SOURCE, write_project

from tests.e2e import tools

HEADERS = 40


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
        begin = time.monotonic()
        subprocess.run([str(word) for word in command], cwd=self.project, env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)
        wall = time.monotonic() - begin
        return {"wall": wall, "cpu": json.loads(out.read_text())["cpu"]}

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
        cold = builds.pairs(max(given.pairs // 2, 1), True)
        report(f"--explain: cold build of {given.files} small C files", 1.005, cold)
        report("the same, warm", 1.005, builds.pairs(given.pairs, False))


if __name__ == "__main__":
    main()
