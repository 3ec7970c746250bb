"""`hearth run --backend s3://…` against a real S3 service: cold, warm on another machine, and when the bucket cannot be
had."""

from __future__ import annotations

import json
import pathlib
import subprocess
import tempfile
import unittest

from tests.agent.running import HEARTH
from tests.agent.s3_service import SECRET_KEY, S3Service, s3_service
from tests.e2e import tools

FILES = 8
COMPILE = "for file in *.c; do sccache cc -c $file -o ${file%.c}.o || exit 1; done"


class S3Backend(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-s3-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.sources = self.folder / "sources"
        self.sources.mkdir()
        for number in range(FILES):
            (self.sources / f"f{number}.c").write_text(f"int f{number}(int x) {{ return x * {number} + 1; }}\n")
        service = s3_service(self.folder)
        self.service: S3Service = service.__enter__()
        self.addCleanup(service.__exit__, None, None, None)
        self.runs = 0

    def build(self, *flags: str, url: str | None = None, environment: dict[str, str] | None = None):
        """One build with a store of its own, as a fresh machine has it."""
        self.runs += 1
        for leftover in self.sources.glob("*.o"):
            leftover.unlink()
        report = self.folder / f"summary-{self.runs}.json"
        environment = {**(environment or self.service.environment()),
                       "PATH": f"{tools.sccache().parent}:{self.service.environment()['PATH']}"}
        ended = subprocess.run(
            [HEARTH, "run", "--store", self.folder / f"store-{self.runs}", "--backend", url or self.service.url(),
             "--tag", "s3", "--min-free-space", "0", "--log-level", "info", "--summary-json", report, *flags,
             "--", "sh", "-c", COMPILE],
            cwd=self.sources, env=environment, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(len(list(self.sources.glob("*.o"))), FILES, ended.stderr)
        self.assertNotIn(SECRET_KEY, ended.stderr + ended.stdout)
        return json.loads(report.read_text()), ended.stderr

    def test_a_second_machine_finds_everything(self):
        cold, said = self.build()
        self.assertEqual((cold["hits"], cold["published"], cold["pending"]), (0, FILES, 0), said)
        self.assertEqual([name for name in self.service.objects() if "probe" in name], [])
        self.assertTrue(all(name.startswith("team/main/") for name in self.service.objects()), self.service.objects())

        warm, said = self.build()
        self.assertEqual((warm["hits"], warm["misses"], warm["errors"]), (FILES, 0, 0), said)
        self.assertEqual((warm["published"], warm["conflicts"]), (0, 0), said)
        self.assertIn("s3://cache/team/main", warm["backend"])
        self.assertLessEqual(warm["backend_calls"], 12, warm)

    def test_another_prefix_is_another_cache(self):
        self.build()
        other, said = self.build(url=self.service.url("another"))
        self.assertEqual((other["hits"], other["published"]), (0, FILES), said)

    def test_builds_go_on_with_wrong_keys_and_say_so(self):
        figures, said = self.build(environment=self.service.environment(secret="wrong"))
        self.assertIn("check the credentials", said)
        self.assertEqual(figures["published"], 0, said)
        self.assertEqual(self.service.objects(), [])

    def test_builds_go_on_without_the_bucket_and_say_so(self):
        _, said = self.build(url=self.service.url().replace("s3://cache/", "s3://missing/"))
        self.assertIn("bucket 'missing' does not exist", said)

    def test_builds_go_on_when_nobody_answers(self):
        self.service.stop()
        figures, said = self.build("--drain-deadline", "2s")
        self.assertEqual(figures["published"], 0, said)
        self.assertIn(f"127.0.0.1:{self.service.port}", said)


if __name__ == "__main__":
    unittest.main()
