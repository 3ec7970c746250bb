"""hearth top beside a real agent: lines where there is no terminal, a screen where there is one."""

import os
import pathlib
import pty
import subprocess
import tempfile
import unittest

from tests.agent.running import HEARTH, Agent


class Top(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-top-")
        self.addCleanup(folder.cleanup)
        self.agent = Agent(pathlib.Path(folder.name))
        self.addCleanup(self.agent.close)
        self.key = "a/b/c/" + "abc".ljust(64, "0")
        self.agent.put(self.key, b"object")
        self.agent.get(self.key)
        self.agent.get("a/b/c/" + "abd".ljust(64, "0"))
        self.command = [str(HEARTH), "top", "--control", str(self.agent.control), "--interval", "100ms"]

    def test_lines(self):
        done = subprocess.run([*self.command, "--count", "2"], capture_output=True, text=True, check=True, timeout=60)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("1 hits (50.0 %)", lines[1])

    def test_a_screen(self):
        ours, theirs = pty.openpty()
        subprocess.run([*self.command, "--count", "2"], stdout=theirs, check=True, timeout=60)
        os.close(theirs)
        shown = os.read(ours, 1 << 16).decode()
        os.close(ours)
        self.assertEqual(shown.count("\x1b[H"), 2)
        self.assertIn("integration", shown)
        self.assertIn("50.0 %", shown)

    def test_it_ends_with_the_agent(self):
        top = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.assertIn("hits", top.stdout.readline())
        self.agent.end()
        self.assertIn("the agent has ended", top.communicate(timeout=60)[0])
        self.assertEqual(top.returncode, 0)

    def test_no_agent_is_an_error(self):
        done = subprocess.run([str(HEARTH), "top", "--control", "/nonexistent/socket"], capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent/socket", done.stderr)


if __name__ == "__main__":
    unittest.main()
