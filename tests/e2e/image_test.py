"""The action's image: how large it is, what is in it, and that it needs no
network and nothing of the build when it runs."""

from __future__ import annotations

import json
import re
import subprocess
import unittest

from tests.e2e import images, product
from tests.e2e.runner_model.docker import docker, inspect

IMAGE = ""
MOST_BYTES = 75 * 1000 * 1000  # of what the final stage adds to its base


def run(*command: str, entrypoint: str | None = None) -> subprocess.CompletedProcess:
    line = ["docker", "run", "--rm", "--network", "none"]
    if entrypoint:
        line += ["--entrypoint", entrypoint]
    return subprocess.run([*line, IMAGE, *command], capture_output=True, text=True,
                          check=False, timeout=60)


def setUpModule():
    global IMAGE
    IMAGE = product.image()


class Image(unittest.TestCase):
    def test_it_adds_at_most_75_megabytes_to_its_base(self):
        base = inspect("image", images.BASE_IMAGE)["RootFS"]["Layers"]
        ours = inspect("image", IMAGE)["RootFS"]["Layers"]
        self.assertEqual(ours[:len(base)], base)
        sizes = docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}}",
                       IMAGE).split()
        base_sizes = docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}}",
                            images.BASE_IMAGE).split()
        added = [int(s) for s in sizes[:len(sizes) - len(base_sizes)]]

        self.assertLessEqual(sum(added), MOST_BYTES, added)

    def test_the_program_runs_without_a_network(self):
        ended = run("--version")

        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertRegex(ended.stdout, r"\d+\.\d+\.\d+")

    def test_no_library_is_missing(self):
        for program in ("hearth", "real/sccache"):
            ended = run(f"/opt/hearth/bin/{program}", entrypoint="/usr/bin/ldd")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertNotIn("not found", ended.stdout)

    def test_the_real_sccache_and_its_launcher_are_there(self):
        ended = run("--version", entrypoint="/opt/hearth/bin/real/sccache")
        self.assertRegex(ended.stdout, r"^sccache \d+\.\d+")
        launcher = run("-c", "test -x /opt/hearth/bin/sccache-launcher", entrypoint="/bin/sh")
        self.assertEqual(launcher.returncode, 0)

    def test_every_stage_has_its_entry(self):
        for stage in ("pre", "main", "post"):
            ended = run("-c", f"readlink -f /hearth-{stage}", entrypoint="/bin/sh")
            self.assertEqual(ended.stdout.strip(), "/opt/hearth/bin/hearth")

    def test_it_carries_no_compiler_and_no_secret(self):
        ended = run("-c", "command -v cc gcc cmake python3 pip", entrypoint="/bin/sh")
        self.assertEqual(ended.stdout, "")
        settings = json.dumps(inspect("image", IMAGE)["Config"]["Env"])
        self.assertIsNone(re.search("token|secret|password|proxy", settings, re.IGNORECASE))


if __name__ == "__main__":
    unittest.main()
