"""Jobs of one repository that run at once against the emulated cache service, with its limit of uploads.

    python3 -m tests.github.six_jobs [--jobs 6] [--files 600] [--side hearth|sccache|both]

Each job compiles its own C files, first with an empty cache, then again with nothing left but
the service: through `hearth run`, all jobs writing one tag, or with sccache's own GitHub backend.
Prints one JSON line per side: what was stored, what the second run hit, calls and 429s.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from tests.e2e import tools
from tests.github.running import MAIN, REPOSITORY, SOURCE, CacheService

HEARTH = pathlib.Path(os.environ.get("HEARTH_BUILD_DIR", SOURCE / "build" / "release")) / "bin" / "hearth"
CODE = """struct item_{job}_{n} {{ int a; char name[{size}]; }};
int work_{job}_{n}(struct item_{job}_{n} *items, int count) {{
  int sum = {n};
  for (int i = 0; i < count; ++i) {{ sum += items[i].a * {n} + items[i].name[0]; }}
  return sum;
}}
"""
MAKEFILE = """SOURCES := $(wildcard src/*.c)
all: $(SOURCES:src/%.c=out/%.o)
out/%.o: src/%.c
\t@$(LAUNCHER) gcc -O2 -c $< -o $@
"""


class Project:
    def __init__(self, folder: pathlib.Path, job: int, files: int) -> None:
        self.folder = folder
        (folder / "src").mkdir(parents=True)
        for n in range(files):
            (folder / "src" / f"f{n}.c").write_text(CODE.format(job=job, n=n, size=16 + n))
        (folder / "Makefile").write_text(MAKEFILE)

    def forget(self) -> None:
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        (self.folder / "out").mkdir()


def clean_environment(service: CacheService) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ACTIONS_", "SCCACHE_", "HEARTH_", "GITHUB_"))}
    return kept | service.job_environment()


def hearth_job(service: CacheService, project: Project, drain_seconds: int) -> dict[str, int]:
    """One job on a fresh runner."""
    project.forget()
    with tempfile.TemporaryDirectory(prefix="hearth-job-") as runner:
        summary = pathlib.Path(runner) / "summary.json"
        subprocess.run(
            [HEARTH, "run", "--quiet", "--store", f"{runner}/store", "--backend", "github", "--tag", "six",
             "--sccache-mode", "proxy", "--repository", REPOSITORY, "--scope", MAIN,
             "--drain-deadline", f"{drain_seconds}s", "--summary-json", str(summary),
             "--", "make", "-s", "-j2"],
            cwd=project.folder, check=True, timeout=900,
            env=clean_environment(service) | {"HEARTH_SCCACHE": str(tools.sccache()), "LAUNCHER": "sccache"})
        return json.loads(summary.read_text())


def sccache_job(service: CacheService, project: Project, _: int) -> dict[str, int]:
    """The same build with sccache's own backend."""
    project.forget()
    with tempfile.TemporaryDirectory(prefix="sccache-job-") as runner:
        sccache = str(tools.sccache())
        environment = clean_environment(service) | {
            "SCCACHE_GHA_ENABLED": "on", "SCCACHE_IDLE_TIMEOUT": "0", "LAUNCHER": sccache,
            "SCCACHE_SERVER_UDS": f"{runner}/socket"}

        def call(*arguments: str) -> str:
            return subprocess.run([sccache, *arguments], env=environment, check=True, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120).stdout

        call("--start-server")
        try:
            subprocess.run(["make", "-s", "-j2"], cwd=project.folder, env=environment, check=True, timeout=900)
            deadline = time.monotonic() + 120  # stores happen behind the compilations
            while True:
                statistics = json.loads(call("--show-stats", "--stats-format=json"))["stats"]
                hits = sum(statistics["cache_hits"]["counts"].values())
                misses = sum(statistics["cache_misses"]["counts"].values())
                written, failed = statistics["cache_writes"], statistics["cache_write_errors"]
                if written + failed >= misses or time.monotonic() > deadline:
                    return {"hits": hits, "misses": misses, "published": written, "refused": failed}
                time.sleep(0.5)
        finally:
            call("--stop-server")


def run_all(job, service: CacheService, projects: list[Project], drain_seconds: int) -> dict:
    service.control("reset", {})
    with ThreadPoolExecutor(len(projects)) as pool:
        jobs = list(pool.map(lambda project: job(service, project, drain_seconds), projects))
    counters = service.counters()
    return {"jobs": jobs, "calls": counters["calls"], "rate_limited": counters["rate_limited"],
            "published": sum(j["published"] for j in jobs), "hits": sum(j["hits"] for j in jobs),
            "misses": sum(j["misses"] for j in jobs)}


def figures_of(side: str, jobs: int, files: int, uploads: int, drain_seconds: int) -> dict:
    job = {"hearth": hearth_job, "sccache": sccache_job}[side]
    with tempfile.TemporaryDirectory(prefix="hearth-six-") as name, \
            CacheService("--uploads-per-minute", str(uploads)) as service:
        projects = [Project(pathlib.Path(name) / f"job{n}", n, files) for n in range(jobs)]
        cold = run_all(job, service, projects, drain_seconds)
        warm = run_all(job, service, projects, drain_seconds)
    total = jobs * files
    return {"workload": "six_jobs", "side": side, "jobs": jobs, "files": files,
            "uploads_per_minute": uploads,
            "stored_percent": round(100 * cold["published"] / total, 1),
            "hit_percent": round(100 * warm["hits"] / total, 1),
            "calls_per_cold_job": round(sum(cold["calls"].values()) / jobs, 1),
            "calls_per_warm_job": round(sum(warm["calls"].values()) / jobs, 1),
            "calls": {"cold": cold["calls"], "warm": warm["calls"]},
            "rate_limited": cold["rate_limited"] + warm["rate_limited"],
            "conflicts": sum(j.get("conflicts") or 0 for j in cold["jobs"]),
            "pending": sum(j.get("pending") or 0 for j in cold["jobs"])}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--files", type=int, default=600)
    parser.add_argument("--uploads-per-minute", type=int, default=200)
    parser.add_argument("--drain-seconds", type=int, default=120)
    parser.add_argument("--side", choices=("hearth", "sccache", "both"), default="both")
    given = parser.parse_args()
    for side in ("hearth", "sccache") if given.side == "both" else (given.side,):
        print(json.dumps(figures_of(side, given.jobs, given.files, given.uploads_per_minute,
                                    given.drain_seconds)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
