"""One workflow under act, which shares no folder between a job and its actions:
the action says so once, and the build works uncached."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from tests.e2e import product, tools
from tests.e2e.runner_model.docker import containers
from tests.e2e.runner_model.leaks import until_gone

WORKFLOW = """
name: act
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - id: hearth
        uses: OWNER/hearth@v1
        with: {tag-prefix: act, toolchain: '12'}
      - run: echo "tag=${{ steps.hearth.outputs.root-tag }}"
      - run: |
          echo 'int main(void) { return 0; }' > a.c
          cc -c a.c -o a.o && test -s a.o && echo compiled
"""


class Act(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-act-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        image = product.image()
        self.compilers = product.compilers_image()
        self.action = self.folder / "action"
        self.action.mkdir()
        # As a released version is: the manifest names a built image.
        text = (product.SOURCE / "action.yml").read_text()
        (self.action / "action.yml").write_text(
            text.replace("image: Dockerfile", f"image: docker://{image}"))
        self.repository = self.folder / "repository"
        (self.repository / ".github/workflows").mkdir(parents=True)
        (self.repository / ".github/workflows/t.yml").write_text(WORKFLOW)
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C",
               str(self.repository)]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "test"]):
            subprocess.run([*git, *command], check=True)

    def run_act(self) -> subprocess.CompletedProcess:
        home = {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / "config"),
                "XDG_CACHE_HOME": str(self.folder / "cache")}
        return subprocess.run(
            [str(tools.act()), "push", "-W", ".github/workflows/t.yml",
             "-P", f"ubuntu-latest={self.compilers}", "--pull=false", "--no-cache-server", "--rm",
             "--local-repository", f"OWNER/hearth@v1={self.action}"],
            cwd=self.repository, env={**os.environ, **home}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", check=False, timeout=240)

    def test_a_job_passes_and_leaves_nothing(self):
        before = set(containers())

        ended = self.run_act()

        log = ended.stdout + ended.stderr
        self.assertEqual(ended.returncode, 0, log)
        self.assertIn("| tag=act-12-sccache-linux-x86_64", log)
        self.assertIn("| compiled", log)
        self.assertIn("Job succeeded", log)
        self.assertEqual(len(re.findall("::warning .*uncached", log)), 1, log)
        self.assertEqual(until_gone(lambda: sorted(set(containers()) - before), 5), [])


if __name__ == "__main__":
    unittest.main()
