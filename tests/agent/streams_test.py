"""Standard streams that are closed, full, or read by nobody any more: the build's exit code stays what it is, and a
command whose answer did not arrive says so."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from tests.agent.running import HEARTH, Agent
from tests.e2e import tools


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sccache = tools.sccache()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-streams-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("SCCACHE_", "HEARTH_", "XDG_"))}
        self.environment |= {"HEARTH_SCCACHE": str(self.sccache), "HOME": str(self.folder)}

    def hearth(self, *arguments, **streams) -> subprocess.CompletedProcess:
        captured = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.run([HEARTH, *arguments], cwd=self.folder, env=self.environment, check=False, text=True,
                              timeout=120, **{**captured, **streams})

    def full(self):
        file = open("/dev/full", "wb")
        self.addCleanup(file.close)
        return file

    def unread(self) -> int:
        """A pipe whose reader has left."""
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        return writer

    def test_a_build_keeps_its_exit_code(self):
        for code in (0, 7):
            for name, stream in (("full", self.full()), ("unread", self.unread())):
                with self.subTest(name, code=code):
                    done = self.hearth("run", "--tag", "t", "--", "sh", "-c", f"exit {code}", stdout=stream,
                                       stderr=stream)
                    self.assertEqual(done.returncode, code)

    def test_a_build_keeps_its_exit_code_where_its_folder_goes(self):
        for code in (0, 7):
            for when, script in {
                "meanwhile": f'mkdir w && cd w && "$0" run --tag t -- sh -c "rmdir ../w; exit {code}"',
                "before": f'mkdir w && cd w && rmdir ../w && "$0" run --tag t -- sh -c "exit {code}"',
            }.items():
                with self.subTest(when, code=code):
                    done = subprocess.run(["sh", "-c", script, HEARTH], cwd=self.folder, env=self.environment,
                                          check=False, capture_output=True, timeout=120)
                    self.assertEqual(done.returncode, code, done.stderr)

    def test_a_closed_stream_gets_nobody_elses_number(self):
        seen = self.folder / "seen"
        for closed in ("2>&-", ">&-", "<&-", "<&- >&- 2>&-"):
            with self.subTest(closed):
                command = f'"$0" run --tag t -- sh -c "readlink /proc/self/fd/[012] >{seen}; exit 5" {closed}'
                done = subprocess.run(["sh", "-c", command, HEARTH], cwd=self.folder, env=self.environment, check=False,
                                      stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
                self.assertEqual(done.returncode, 5, done.stderr)
                self.assertNotRegex(seen.read_text(), re.escape(str(self.folder / ".cache")))
        wrong = subprocess.run(["sh", "-c", '"$0" ls --backend foo 2>&-', HEARTH], env=self.environment, check=False,
                               timeout=60)
        self.assertEqual(wrong.returncode, 2)

    def test_an_answer_that_did_not_arrive_is_a_failure(self):
        for command in (("ls", "--json"), ("gc",), ("tag",), ("completion", "bash"), ("--help",)):
            with self.subTest(command[0]):
                done = self.hearth(*command, stdout=self.full())
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("hearth: standard output cannot be written: No space left on device\n", done.stderr)

    def test_top_ends_with_its_reader(self):
        agent = Agent(self.folder)
        self.addCleanup(agent.close)
        full = self.hearth("top", "--control", agent.control, stdout=self.full())
        self.assertIn("standard output cannot be written", full.stderr)
        self.assertEqual(full.returncode, 1)

        unread = self.hearth("top", "--control", agent.control, stdout=self.unread())
        self.assertEqual(unread.stderr, "", "that is no error worth a message")
        self.assertEqual(unread.returncode, 1)


if __name__ == "__main__":
    unittest.main()
