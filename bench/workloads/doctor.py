"""How long `hearth doctor` takes over a run of 3,500 objects: real compilations of small C files, once cold, then again
with another -D in the Makefile, so that every one misses and there is something to explain; with as many runs on record as
are kept, all as large.
`doctor.py [--files 3500] [--rounds 5]`
"""

import argparse
import pathlib
import resource
import shutil
import subprocess
import time

from pairs import HEARTH, hearth_environment, work_folder
from servers import finish, say
from small_c import write_project

GOAL_SECONDS = 1.0
KEPT = 20  # k_runs_kept of agent/app/run_record.hpp


def build(folder: pathlib.Path, project: pathlib.Path) -> None:
    shutil.rmtree(project / "out")
    (project / "out").mkdir()
    subprocess.run([HEARTH, "run", "--quiet", "--explain", "--store", folder / "store", "--backend",
                    f"disk://{folder}/backend", "--tag", "bench", "--", "make", "-s", "-j2"], cwd=project,
                   env=hearth_environment(), check=True, stdout=subprocess.DEVNULL)


def fill_up(records: pathlib.Path) -> None:
    """Older runs, as a store has them that is in use."""
    oldest = min(records.glob("*.json"))
    for n in range(KEPT - len(list(records.glob("*.json")))):
        shutil.copy(oldest, records / f"0000000000000-{n}.json")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--files", type=int, default=3500)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with work_folder() as name:
        folder = pathlib.Path(name)
        project = folder / "project"
        write_project(project, given.files)
        build(folder, project)
        makefile = (project / "Makefile").read_text()
        (project / "Makefile").write_text(makefile.replace("-O2 -c", "-O2 -DREVISION=2 -c"))
        build(folder, project)
        fill_up(folder / "store" / "runs")
        seconds = []
        for _ in range(given.rounds):
            begin = time.monotonic()
            said = subprocess.run([HEARTH, "doctor", "--store", folder / "store"], cwd=project,
                                  stdout=subprocess.PIPE, text=True).stdout
            seconds.append(time.monotonic() - begin)
            assert "REVISION" in said, said
            say(f"{seconds[-1]:.3f} s")
    middle = sorted(seconds)[len(seconds) // 2]
    finish({"workload": "doctor", "objects": given.files, "rounds": given.rounds, "goal_seconds": GOAL_SECONDS,
            "seconds": round(middle, 3), "low": round(min(seconds), 3), "high": round(max(seconds), 3),
            "memory_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)},
           middle < GOAL_SECONDS)


if __name__ == "__main__":
    main()
