"""The planner's forecast of memory against builds that really run at once: libmbedcrypto with cmake and ripgrep
with cargo. `plan_memory.py [--jobs 3] [--rounds 3]`"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from pairs import HEARTH, work_folder

from tests.e2e import inputs

GOAL = 0.2  # of the peak; more or less is a forecast that misleads
EVERY_SECONDS = 0.02
C_BUILD = ("cmake -B out -G 'Unix Makefiles' -DENABLE_TESTING=OFF -DENABLE_PROGRAMS=OFF >/dev/null && "
           "make -C out -j2 mbedcrypto")


def kib(status: str, name: str) -> int:
    for line in status.splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def memory_of(roots: set[int]) -> int:
    """Bytes that belong to these processes and everything below them alone."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # ended just now
            children.setdefault(int(fields[1]), []).append(int(entry))
    total, left = 0, list(roots)
    while left:
        process = left.pop()
        left += children.get(process, [])
        try:
            status = pathlib.Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        total += (kib(status, "RssAnon") + kib(status, "RssShmem")) * 1024
    return total


def peak_at_once(build: str, clean: str, projects: list[pathlib.Path]) -> int:
    environment = {k: v for k, v in os.environ.items() if k != "RUSTC_WRAPPER" and "LAUNCHER" not in k}
    for project in projects:
        subprocess.run(["sh", "-c", clean], cwd=project, env=environment, check=True)
    running = [subprocess.Popen(["sh", "-c", build], cwd=project, env=environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for project in projects]
    peak = 0
    while any(process.poll() is None for process in running):
        peak = max(peak, memory_of({process.pid for process in running}))
        time.sleep(EVERY_SECONDS)
    assert all(process.returncode == 0 for process in running)
    return peak


def compare(name: str, tree: pathlib.Path, commands: tuple[str, str], given: argparse.Namespace) -> bool:
    """Whether every forecast came as near as it should."""
    build, clean = commands
    reached = True
    with work_folder() as folder:
        projects = []
        for number in range(given.jobs):
            projects.append(pathlib.Path(folder) / f"job{number}" / "project")
            shutil.copytree(tree, projects[-1], symlinks=True)
        for number in range(given.rounds):
            planned = json.loads(subprocess.run(
                [HEARTH, "plan", "--measure", "--json", "--reserve", "0", "--agents", str(given.jobs), "--project", projects[0],
                 "--build", build, "--clean", clean], check=True, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL).stdout)
            for jobs in range(1, given.jobs + 1):
                peak = peak_at_once(build, clean, projects[:jobs])
                row = planned["table"][jobs - 1]
                ratio = row["expected_bytes"] / peak
                reached &= abs(ratio - 1) <= GOAL
                print(json.dumps({"what": f"memory of {jobs} builds of {name} at once", "round": number + 1,
                                  "peak_mib": round(peak / 2**20), "expected_mib": round(row["expected_bytes"] / 2**20),
                                  "most_mib": round(row["memory_bytes"] / 2**20),
                                  "expected_of_peak": round(ratio, 3)}), flush=True)
    return reached


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--jobs", type=int, default=3)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    print("  each round: the measured build, then 1 to all at once", file=sys.stderr)
    reached = [compare("libmbedcrypto", inputs.mbedtls(), (C_BUILD, "rm -rf out"), given),
               compare("ripgrep", inputs.ripgrep(), ("cargo build --offline --quiet -j2", "rm -rf target"), given)]
    sys.exit(os.EX_OK if all(reached) else 1)


main()
