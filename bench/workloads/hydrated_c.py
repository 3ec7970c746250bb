"""Warm builds of 600 small C files with sources made anew: `hearth run` in disk mode on a new store, against sccache
on its own local disk, both in direct mode; what filling takes is not in it. Then filling against `cp -r` of the same
folder. `hydrated_c.py [--pairs 20] [--files 600]`
"""

import argparse
import pathlib
import shutil
import subprocess
import time

from pairs import Sides, interleave, report, work_folder
from small_c import write_project


class Filling:
    """The two ways of getting sccache's folder, named as interleave wants them."""

    def __init__(self, sides: Sides):
        self.sides = sides

    def local(self) -> dict[str, float]:
        copy = self.sides.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        begin = time.monotonic()
        subprocess.run(["cp", "-r", self.sides.folder / "local", copy], check=True)
        return {"wall": time.monotonic() - begin}

    def through_hearth(self) -> dict[str, float]:
        """With reading the tag, as the agent itself measures it."""
        build, self.sides.build = self.sides.build, ["true"]
        self.sides.through_hearth()
        self.sides.build = build
        assert self.sides.summary["bytes_read"] > 0, self.sides.summary
        return {"wall": self.sides.summary["preload_seconds"]}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pairs", type=int, default=20)
    arguments.add_argument("--files", type=int, default=600)
    given = arguments.parse_args()
    with work_folder() as name:
        folder = pathlib.Path(name)
        project = folder / "project"
        sides = Sides(folder, ["make", "-s", "-j2"], project, {"SCCACHE_DIRECT": "true"},
                      ("--sccache-mode", "disk"))

        def recreate() -> None:
            shutil.rmtree(project, ignore_errors=True)
            write_project(project, given.files)

        for fill in (sides.local, sides.through_hearth):
            recreate()
            fill()
        pairs = interleave(sides, given.pairs, recreate)
        warm = sides.summary
        assert warm["hits"] == given.files and warm["misses"] == 0, warm
        assert warm["stores"] == 0, warm  # every one by direct mode: else something would have been learnt
        report(f"warm build of {given.files} small C files, disk mode", 1.05, pairs)
        filling = Filling(sides)
        pairs = interleave(filling, given.pairs)
        report(f"filling sccache's folder with {2 * given.files} objects, against cp -r", 1.5, pairs)


if __name__ == "__main__":
    main()
