"""`hearth run` around real builds: ripgrep cold and warm, exit codes, and a
cache that cannot be had."""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
import unittest

from tests.e2e import inputs, product, tools
from tests.e2e.runner_model.leaks import until_gone
from tests.e2e.runner_model.process import command_line


class HearthRun(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-run-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.count = 0

    def run_in(self, cwd: pathlib.Path, *command: str, backend: str | None = None):
        """`hearth run` with a store of its own; returns its end and its figures."""
        self.count += 1
        report = self.folder / f"summary-{self.count}.json"
        ended = product.run_hearth(
            "run", "--store", str(self.folder / f"store-{self.count}"),
            "--backend", backend or f"disk://{self.folder}/backend", "--tag", "e2e",
            "--summary-json", str(report), "--", *command, cwd=cwd)
        return ended, json.loads(report.read_text()) if report.exists() else None

    def assert_nothing_runs(self):
        """Neither an agent nor a server of sccache stays."""
        def find():
            return [command_line(int(p.name)) for p in pathlib.Path("/proc").glob("[0-9]*")
                    if str(self.folder) in command_line(int(p.name))]
        self.assertEqual(until_gone(find, 5), [])

    def test_a_second_build_finds_everything(self):
        tree = self.folder / "ripgrep"
        shutil.copytree(inputs.ripgrep(), tree, symlinks=True)
        cargo = [str(tools.rust() / "cargo"), "build", "--offline", "--locked", "--quiet"]

        cold, first = self.run_in(tree, *cargo)
        shutil.rmtree(tree / "target")
        warm, second = self.run_in(tree, *cargo)

        self.assertEqual((cold.returncode, warm.returncode), (0, 0), cold.stderr + warm.stderr)
        self.assertTrue((tree / "target/debug/rg").exists())
        self.assertEqual(first["hits"], 0, first)
        self.assertEqual((first["published"], first["pending"]), (first["stores"], 0), first)
        self.assertEqual((second["hits"], second["misses"], second["errors"]),
                         (first["misses"], 0, 0), second)
        self.assertEqual(second["stores"], 0, second)
        self.assert_nothing_runs()

    def test_c_is_found_again_in_another_folder(self):
        ended = []
        for name in ("one", "two"):
            tree = self.folder / name
            tree.mkdir()
            (tree / "a.c").write_text("int main(void) { return 0; }\n")
            ended.append(self.run_in(tree, "sccache", "cc", "-c", "a.c", "-o", "a.o"))
            self.assertTrue((tree / "a.o").exists(), ended[-1][0].stderr)

        self.assertEqual([e[1]["hits"] for e in ended], [0, 1], ended)

    def test_the_commands_exit_code_is_passed_on(self):
        self.assertEqual(self.run_in(self.folder, "sh", "-c", "exit 7")[0].returncode, 7)
        self.assertEqual(self.run_in(self.folder, "no-such-command")[0].returncode, 127)

    def test_the_commands_output_is_its_own(self):
        ended, _ = self.run_in(self.folder, "sh", "-c", "echo out; echo err >&2")

        self.assertEqual(ended.stdout, "out\n")
        self.assertIn("err\n", ended.stderr)

    def test_a_backend_that_cannot_be_written_costs_no_build(self):
        (self.folder / "file").write_text("in the way")
        (self.folder / "a.c").write_text("int main(void) { return 0; }\n")

        ended, found = self.run_in(self.folder, "sccache", "cc", "-c", "a.c", "-o", "a.o",
                                   backend=f"disk://{self.folder}/file/below")

        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue((self.folder / "a.o").exists())
        self.assertIn("hearth", ended.stderr)  # and it is said
        if found is not None:
            self.assertEqual(found["published"] or 0, 0, found)

    def test_a_wrong_option_is_refused_before_anything_runs(self):
        ended = product.run_hearth("run", "--mode", "sometimes", "--", "touch",
                                   str(self.folder / "ran"))

        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertFalse((self.folder / "ran").exists())


if __name__ == "__main__":
    unittest.main()
