"""Warm builds of 600 small C files: `hearth run` against sccache on its local disk with
SCCACHE_DIRECT=false (its direct mode never reaches a remote). `small_c.py [--pairs 20] [--files 600]`
"""

import argparse
import pathlib
import shutil
import subprocess

from pairs import Sides, interleave, report, work_folder

SOURCE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item_{n} {{ int a; char name[{size}]; }};
int work_{n}(struct item_{n} *items, int count) {{
  int sum = {n};
  for (int i = 0; i < count; ++i) {{ sum += items[i].a * {n} + (int)strlen(items[i].name); }}
  if (sum < 0) {{ fprintf(stderr, "negative {n}\\n"); abort(); }}
  return sum;
}}
"""
MAKEFILE = """SOURCES := $(wildcard src/*.c)
all: $(SOURCES:src/%.c=out/%.o)
out/%.o: src/%.c
\t@$(LAUNCHER) gcc -O2 -c $< -o $@
"""


def write_project(folder: pathlib.Path, files: int) -> None:
    (folder / "src").mkdir(parents=True)
    (folder / "out").mkdir()
    for n in range(files):
        (folder / "src" / f"f{n}.c").write_text(SOURCE.format(n=n, size=16 + n))
    (folder / "Makefile").write_text(MAKEFILE)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pairs", type=int, default=20)
    arguments.add_argument("--files", type=int, default=600)
    given = arguments.parse_args()
    with work_folder() as name:
        folder = pathlib.Path(name)
        project = folder / "project"
        write_project(project, given.files)
        sides = Sides(folder, ["make", "-s", "-j2"], project, {"SCCACHE_DIRECT": "false"})

        def clean() -> None:
            shutil.rmtree(project / "out")
            (project / "out").mkdir()

        for fill in (sides.local, sides.through_hearth):
            clean()
            fill()
        pairs = interleave(sides, given.pairs, clean)
        warm = sides.summary
        assert warm["hits"] == given.files and warm["misses"] == 0, warm
        subprocess.run(["sync"], check=True)
        report(f"warm build of {given.files} small C files", 1.03, pairs)


if __name__ == "__main__":
    main()
