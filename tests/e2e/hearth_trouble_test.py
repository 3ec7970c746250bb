"""What may go wrong around a job: it is cancelled, something dies, the disk is
full or read-only, Docker is not there. The build goes on, the summary tells,
nothing stays behind."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
import unittest

from tests.e2e import inputs
from tests.e2e.product import CMAKE, USES, ProductTest, figures, workflow
from tests.e2e.runner_model import Runner
from tests.e2e.runner_model.docker import docker
from tests.e2e.runner_model.leaks import owned_containers, owned_processes

TINY = "{id: build, run: 'sccache cc -c a.c -o a.o && test -s a.o'}"


class Trouble(ProductTest):
    def start(self, runner: Runner, *steps: str, more: str = ""):
        return runner.start_text(workflow(
            *steps, inputs_of_action=f"{self.backend_input()}, tag: trouble{more}"))

    def tiny(self) -> pathlib.Path:
        source = self.folder / "tiny"
        source.mkdir(exist_ok=True)
        (source / "a.c").write_text("int main(void) { return 0; }\n")
        return source

    def stores_soon(self, handle) -> None:
        """Waits until the build is well under way."""
        handle.wait_for_line("Building C object library/CMakeFiles/mbedcrypto.dir/cipher.c.o", 120)

    def mount(self, *options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", *options, "hearth-e2e", str(self.backend)],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.backend)], check=False)

    def test_what_was_compiled_before_a_cancellation_is_published(self):
        runner = self.runner(sources=inputs.mbedtls())
        handle = self.start(runner, CMAKE)
        self.stores_soon(handle)

        handle.cancel()
        cancelled = handle.wait()

        self.assertEqual(cancelled.conclusion, "cancelled")
        self.assertEqual(cancelled.step("hearth", "post").conclusion, "success", cancelled.log)
        self.assert_clean(runner)
        stored = figures(cancelled)["published"]
        self.assertGreater(stored, 0)
        again = self.start(runner, CMAKE).wait()
        self.assert_green(again)
        self.assertGreaterEqual(figures(again)["hits"], stored - 2)

    def test_a_killed_agent_costs_hits_but_no_build(self):
        runner = self.runner(sources=inputs.mbedtls())
        handle = self.start(runner, CMAKE)
        self.stores_soon(handle)

        [(identifier, _)] = owned_containers(runner.layout)
        docker("kill", "--signal", "KILL", identifier)
        result = handle.wait()

        self.assert_green(result)
        self.assertTrue(result.messages("warning"), result.log)  # and it is said
        self.assert_clean(runner)

    def test_a_killed_sccache_server_is_started_again(self):
        runner = self.runner(sources=inputs.mbedtls())
        handle = self.start(runner, CMAKE)
        self.stores_soon(handle)

        self.kill_server(runner)
        result = handle.wait()

        self.assert_green(result)
        found = figures(result)
        self.assertEqual(found["restarts"], 1, found)
        self.assertGreater(found["misses"], 0, found)
        self.assert_clean(runner)

    def kill_server(self, runner: Runner) -> None:
        killed = 0
        for pid in owned_processes(runner.layout, []):
            with contextlib.suppress(OSError):
                if (os.readlink(f"/proc/{pid}/exe").endswith("/real/sccache")
                        and parent(pid) == 1):  # its clients have parents of their own
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        self.assertEqual(killed, 1)

    def test_a_full_disk_is_told_and_costs_no_build(self):
        self.mount("-o", "size=256k")
        runner = self.runner(sources=inputs.mbedtls())

        result = self.start(runner, CMAKE).wait()

        self.assert_green(result)
        found = figures(result)
        self.assertLess(found["published"], found["stores"], found)
        self.assertTrue(found["notes"] or found["refused"] or found["pending"], found)
        self.assertTrue(result.messages("warning"), result.log)
        self.assert_clean(runner)

    def test_a_read_only_backend_still_answers(self):
        self.mount("-o", "size=64m")
        runner = self.runner(sources=self.tiny())
        self.assert_green(self.start(runner, TINY).wait())
        subprocess.run(["mount", "-o", "remount,ro", str(self.backend)], check=True)

        result = self.start(runner, TINY).wait()

        self.assert_green(result)
        self.assert_warm(result)
        self.assert_clean(runner)

    def test_without_a_docker_socket_sccache_works_on_its_own_folder(self):
        runner = self.runner(sources=self.tiny(), socket=str(self.folder / "no-docker.sock"))
        text = ("on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n"
                "      - {uses: actions/checkout@v4, with: {clean: 'false'}}\n"
                f"      - {{id: hearth, uses: {USES}, with: {{tag: trouble,"
                f" backend: 'disk://{runner.layout.workspace}/.hearth'}}}}\n"
                f"      - {TINY}\n")

        cold = runner.run_text(text)
        warm = runner.run_text(text)

        for result in (cold, warm):
            self.assert_green(result)
            self.assertEqual(result.messages("warning"), [])
            self.assertEqual(sum("disk mode" in notice for notice in result.messages("notice")), 1)
            self.assertEqual(figures(result)["sccache_mode"], "disk")
            self.assert_clean(runner)
        self.assertEqual((figures(cold)["misses"], figures(cold)["pending"]), (1, 0))
        self.assert_warm(warm)

    def test_without_a_docker_socket_a_folder_of_the_host_is_out_of_reach(self):
        runner = self.runner(sources=self.tiny(), socket=str(self.folder / "no-docker.sock"))

        result = self.start(runner, "{id: build, run: 'cc -c a.c -o a.o && env'}").wait()

        self.assert_green(result)
        self.assertEqual(len(result.messages("warning")), 1, result.messages("warning"))
        self.assertNotIn("RUSTC_WRAPPER", result.step("build").log)
        self.assert_clean(runner)

    def test_an_unknown_mode_is_an_error_and_no_guess(self):
        runner = self.runner(sources=self.tiny())

        result = self.start(runner, TINY, more=", mode: sometimes").wait()

        self.assertEqual(result.conclusion, "failure", result.log)
        self.assertTrue(any("mode" in m and "sometimes" in m for m in result.messages("error")),
                        result.messages("error"))
        self.assertEqual(result.step("build").conclusion, "skipped")
        self.assert_clean(runner)

    def test_mode_off_leaves_the_build_alone(self):
        runner = self.runner(sources=self.tiny())

        result = self.start(runner, "{id: build, run: 'cc -c a.c -o a.o && env'}",
                            more=", mode: 'off'").wait()

        self.assert_green(result)
        self.assertNotIn("RUSTC_WRAPPER", result.step("build").log)
        self.assertEqual(list(self.backend.iterdir()), [])
        self.assert_clean(runner)

    def test_an_agent_whose_job_is_gone_ends_itself(self):
        runner = self.runner(sources=self.tiny())
        handle = self.start(runner, TINY, "{run: exec sleep 100}")
        handle.wait_for_line("--- main exec sleep 100", 120)

        handle.shut_down()  # no post runs; emptying _temp is the sign
        result = handle.wait()

        self.assertEqual(result.step("hearth", "post").conclusion, "skipped")
        deadline = time.monotonic() + 60
        while owned_containers(runner.layout) and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertEqual(owned_containers(runner.layout), [])
        again = self.runner("again", sources=self.tiny())
        warm = self.start(again, TINY).wait()
        self.assert_warm(warm)  # it drained before it ended

    def test_a_pull_request_of_a_fork_reads_and_does_not_write(self):
        runner = self.runner(sources=self.tiny())
        event = {"name": "pull_request", "ref": "refs/pull/7/merge", "base_ref": "main",
                 "head_ref": "patch", "payload": {"pull_request": {
                     "number": 7, "head": {"repo": {"full_name": "mallory/project", "fork": True}},
                     "base": {"ref": "main", "repo": {"full_name": "acme/project"}}}}}
        text = workflow(TINY, inputs_of_action=f"{self.backend_input()}, tag: trouble")

        result = runner.run_text(text, event=event)

        self.assert_green(result)
        self.assertEqual(result.step("hearth").outputs["mode"], "read-only")
        self.assertEqual(figures(result)["published"] or 0, 0)
        self.assert_clean(runner)


def parent(pid: int) -> int:
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
    return int(stat.rpartition(")")[2].split()[1])


if __name__ == "__main__":
    unittest.main()
