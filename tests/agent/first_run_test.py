"""`hearth run` as somebody types it who has just installed it: no option, nothing in the home folder."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests.agent.running import HEARTH
from tests.e2e import tools

FILES = 3


class FirstRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sccache = tools.sccache()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-first-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SCCACHE_", "HEARTH_", "XDG_"))}
        self.environment |= {"HEARTH_SCCACHE": str(self.sccache), "HOME": str(self.home)}

    def hearth(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run([HEARTH, *arguments], cwd=self.folder, env=self.environment, check=False,
                              capture_output=True, text=True, timeout=120)

    def compile_all(self, name: str) -> dict:
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        for number in range(FILES):
            (work / f"f{number}.c").write_text(f"int f{number}(void) {{ return {number}; }}\n")
        done = self.hearth("run", "--tag", "first", "--summary-json", self.folder / f"{name}.json", "--", "sh", "-c",
                           "cd work && for f in f*.c; do sccache gcc -c $f -o ${f%.c}.o || exit 1; done")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("cannot be used", done.stderr)
        return json.loads((self.folder / f"{name}.json").read_text())

    def test_publishes_what_the_second_one_hits(self):
        fresh = self.hearth("ls")
        self.assertEqual((fresh.returncode, fresh.stdout, fresh.stderr), (0, "no tags\n", ""))
        self.assertEqual(list(self.home.iterdir()), [], "looking creates nothing")

        cold = self.compile_all("cold")
        self.assertEqual((cold["hits"], cold["misses"], cold["stores"], cold["published"]), (0, FILES, FILES, FILES))
        shutil.rmtree(self.home / ".cache/hearth/store")

        warm = self.compile_all("warm")

        self.assertEqual((warm["hits"], warm["misses"]), (FILES, 0))
        self.assertIn("first", self.hearth("ls").stdout)

    def test_a_named_folder_is_not_made_up(self):
        done = self.hearth("run", "--tag", "first", "--backend", f"disk://{self.folder}/typo/path", "--", "true")

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{self.folder}/typo/path and its parent do not exist", done.stderr)
        self.assertFalse((self.folder / "typo").exists())

    def without_sccache(self) -> pathlib.Path:
        """A folder with the few programs that a build needs, as the only one on PATH."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        for program in ("sh", "gcc", "as", "ld", "cc"):
            if found := shutil.which(program):
                (bin_folder / program).symlink_to(found)
        self.environment["PATH"] = str(bin_folder)
        return bin_folder

    def test_finds_the_sccache_beside_it(self):
        self.without_sccache()
        del self.environment["HEARTH_SCCACHE"]
        installed = self.folder / "installed"
        (installed / "real").mkdir(parents=True)
        for program in (HEARTH, HEARTH.parent / "sccache-launcher"):
            shutil.copy(program, installed / program.name)
        (installed / "real/sccache").symlink_to(self.sccache)

        done = subprocess.run([installed / "hearth", "run", "--tag", "first", "--", "true"], cwd=self.folder,
                              env=self.environment, check=False, capture_output=True, text=True, timeout=60)

        self.assertNotIn("no sccache found", done.stderr)

    def test_a_build_that_calls_sccache_goes_on_without_one(self):
        self.without_sccache()
        del self.environment["HEARTH_SCCACHE"]
        (self.folder / "one.c").write_text("int one(void) { return 1; }\n")

        done = self.hearth("run", "--tag", "first", "--", "sh", "-c", "sccache gcc -c one.c -o one.o")

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no sccache found", done.stderr)
        self.assertTrue((self.folder / "one.o").exists())
        nested = self.hearth("run", "--tag", "first", "--", HEARTH, "run", "--tag", "first", "--", "sh", "-c",
                             "sccache gcc -c one.c -o two.o")
        self.assertEqual((nested.returncode, nested.stderr.count("no sccache found")), (0, 2), nested.stderr)

    def test_a_build_without_the_agent_asks_no_other_cache(self):
        used = self.folder / "used"
        other = self.without_sccache() / "sccache"
        other.write_text(f'#!/bin/sh\necho "$*" >>{used}\n')
        other.chmod(0o755)
        del self.environment["HEARTH_SCCACHE"]
        (self.folder / "one.c").write_text("int one(void) { return 1; }\n")
        (self.folder / "file").touch()

        done = self.hearth("run", "--tag", "first", "--store", self.folder / "file", "--", "sh", "-c",
                           "sccache gcc -c one.c -o one.o && $RUSTC_WRAPPER gcc -c one.c -o two.o")

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the build goes on without the cache", done.stderr)
        self.assertTrue((self.folder / "two.o").exists())
        self.assertFalse(used.exists(), "the machine's own sccache was not asked")

    def test_a_command_that_cannot_be_executed_ends_as_in_a_shell(self):
        for command, code in ((str(self.folder), 126), ("/etc/passwd", 126), ("/no/such/program", 127),
                              ("no-such-program", 127)):
            with self.subTest(command):
                done = self.hearth("run", "--tag", "first", "--", command)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(command, done.stderr)


if __name__ == "__main__":
    unittest.main()
