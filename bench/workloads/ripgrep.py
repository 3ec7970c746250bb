"""ripgrep cold and warm: `hearth run` against sccache on its local disk. `ripgrep.py [--cold 3] [--warm 10]`"""

import argparse
import pathlib
import shutil

from pairs import Sides, interleave, report, work_folder

from tests.e2e import inputs


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cold", type=int, default=3)
    arguments.add_argument("--warm", type=int, default=10)
    given = arguments.parse_args()
    with work_folder() as name:
        folder = pathlib.Path(name)
        project = folder / "ripgrep"
        shutil.copytree(inputs.ripgrep(), project, symlinks=True)
        sides = Sides(folder, ["cargo", "build", "--offline", "--quiet"], project)

        def clean() -> None:
            shutil.rmtree(project / "target", ignore_errors=True)

        def clean_and_forget() -> None:
            clean()
            sides.forget()

        clean_and_forget()
        sides.local()  # not counted: fills the page cache
        report("cold ripgrep build", 1.02, interleave(sides, given.cold, clean_and_forget))
        for fill in (sides.local, sides.through_hearth):
            clean()
            fill()
        pairs = interleave(sides, given.warm, clean)
        assert sides.summary["misses"] == 0, sides.summary
        report("warm ripgrep build", 1.02, pairs)


main()
