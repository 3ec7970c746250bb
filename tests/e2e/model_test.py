"""The model of the runner against the facts it stands for, with a toy action.

Most of them were seen on a real daemon or read in the runner's source; each
test names one fact. The toy is a container action of one Perl file.
"""

from __future__ import annotations

import concurrent.futures
import pathlib
import re
import socket
import time
import unittest

from tests.e2e import images
from tests.e2e.runner_model import JobResult, Runner
from tests.e2e.runner_model.docker import containers, docker, inspect

TOY = pathlib.Path(__file__).resolve().parent / "fixtures" / "toy"
REPOSITORIES = {"acme/toy": TOY}
FETCH = ("perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(\"%s\") or die \"refused\"; "
         "print $s \"GET / HTTP/1.0\\r\\n\\r\\n\"; print <$s>'")


class Unreachable:
    """Jobs whose main does not end on signals. Each takes ten seconds and more
    of waiting, so they run beside the other tests from the start."""

    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor()
        self.runners = {b: Runner(repositories=REPOSITORIES) for b in ("ignore", "deaf")}
        self.jobs = {b: self.pool.submit(cancel_when_waiting, r, b)
                     for b, r in self.runners.items()}

    def remove(self):
        self.pool.shutdown()
        for runner in self.runners.values():
            runner.remove()


unreachable: Unreachable


def setUpModule():
    global unreachable
    images.ensure_base_image()
    images.build(TOY, "hearth-e2e-toy:latest")  # later builds find its layers
    unreachable = Unreachable()
    unittest.addModuleCleanup(unreachable.remove)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def workflow(*steps: str, head: str = "") -> str:
    return ("name: test\non: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n" + head
            + "    steps:\n" + "".join(f"      - {s}\n" for s in steps))


def toy(behave: str, port: int = 0, more: str = "") -> str:
    return f"{{id: toy, uses: acme/toy@v1, with: {{behave: {behave}, port: {port}}}{more}}}"


def cancel_when_waiting(runner: Runner, behave: str) -> tuple[JobResult, int]:
    """Returns the job and how many containers there are when the signals are sent."""
    handle = runner.start_text(workflow(toy(behave)))
    handle.wait_for_line("waiting")
    time.sleep(0.2)  # the line comes just before the toy sleeps
    handle.cancel()
    handle.wait_for_line("sent SIGINT")
    left = count_when_settled(runner)
    return handle.wait(), left


def count_when_settled(runner: Runner, seconds: float = 5) -> int:
    """How many containers the runner has. The daemon removes those of ended stages a moment after their client has
    gone, so more than one is looked at again."""
    deadline = time.monotonic() + seconds
    while True:
        count = len(containers(f"label={runner.layout.label()}"))
        if count <= 1 or time.monotonic() > deadline:
            return count
        time.sleep(0.1)


class ModelTest(unittest.TestCase):
    def setUp(self):
        self.runner = self.new_runner()

    def new_runner(self, **settings) -> Runner:
        settings.setdefault("repositories", REPOSITORIES)
        runner = Runner(sources=TOY, **settings)
        self.addCleanup(runner.remove)
        return runner

    def run_steps(self, *steps: str, head: str = "", **given) -> JobResult:
        return self.runner.run_text(workflow(*steps, head=head), **given)

    def assert_green(self, result: JobResult):
        self.assertEqual(result.conclusion, "success", result.log)


class Siblings(ModelTest):
    def test_a_host_network_sibling_outlives_main_and_post_stops_it(self):
        port = free_port()

        result = self.run_steps(
            toy("sibling", port),
            f"{{id: fetch, run: \"echo uid=$(id -u); exec 3<>/dev/tcp/127.0.0.1/{port}; "
            "printf 'GET / HTTP/1.0\\\\r\\\\n\\\\r\\\\n' >&3; cat <&3\"}")

        self.assert_green(result)
        self.assertIn("uid=1001", result.step("fetch").log)
        self.assertIn(f"hello from {socket.gethostname()}", result.step("fetch").log)
        self.assertIn("stopped the sibling", result.step("toy", "post").log)
        self.assertEqual(self.runner.leftovers(), [])
        main = result.step("toy").log
        self.assertIn("loopback=refused", main)  # main sits on the bridge
        # A file in runner_temp is seen by both, and the host's name is no id.
        self.assertIn(f"sibling-hostname={socket.gethostname()}", main)

    def test_a_labelled_stray_is_reaped_by_the_next_job_with_a_container(self):
        labelled = self.run_steps(toy("leak-labelled", free_port()))
        plain = self.run_steps(toy("leak", free_port()))
        ids = [r.step("toy").outputs["sibling"] for r in (labelled, plain)]
        labels = inspect("container", ids[0])["Config"]["Labels"]
        self.assertEqual(labels, {self.runner.layout.label(): ""})

        self.run_steps("{run: 'true'}")
        self.assertTrue(all(inspect("container", i) for i in ids))
        self.run_steps("{run: 'true'}", head=f"    container: {images.BASE_IMAGE}\n")

        self.assertIsNone(inspect("container", ids[0]))
        self.assertIsNotNone(inspect("container", ids[1]))
        self.assertTrue(any(f.startswith("container") for f in self.runner.leftovers(seconds=0)))


class Environment(ModelTest):
    def test_what_the_container_sees(self):
        temp = str(self.runner.layout.temp)

        result = self.run_steps(
            "{run: 'echo \"FROM_ENV_FILE=yes\" >> \"$GITHUB_ENV\"'}",
            "{id: toy, uses: acme/toy@v1, with: {behave: facts, odd name: 1}, "
            f"env: {{HERE: {temp}/x, LIST: '{temp}:{temp}'}}}}",
            head="    env: {TOY_FILLED_IN: from the job}\n")

        self.assert_green(result)
        log = result.step("toy").log
        layout = self.runner.layout
        self.assertIn("hostname-is-id=yes", log)
        for inside, outside in {
                "/github/runner_temp": layout.temp, "/github/home": layout.github_home,
                "/github/workflow": layout.github_workflow,
                "/github/file_commands": layout.file_commands,
                "/github/workspace": layout.workspace,
                "/var/run/docker.sock": "/var/run/docker.sock"}.items():
            self.assertIn(f"mount {inside}={outside}", log)
        self.assertIn(f"arg --host-temp={temp}", log)
        self.assertIn("env INPUT_HOST-TEMP=/github/runner_temp\n", log)
        self.assertIn("env HERE=/github/runner_temp/x\n", log)
        self.assertIn(f"env LIST={temp}:{temp}\n", log)  # whole values only
        self.assertIn("env TOY_FILLED_IN=from the job\n", log)
        self.assertIn("env INPUT_ODD_NAME=1\n", log)
        self.assertIn("env FROM_ENV_FILE=yes\n", log)
        self.assertIn("env HOME=/github/home\n", log)
        self.assertIn("env GITHUB_WORKSPACE=/github/workspace\n", log)
        self.assertIn(f"env RUNNER_WORKSPACE={layout.runner_workspace}\n", log)
        self.assertIn("env RUNNER_TEMP=/github/runner_temp\n", log)
        self.assertIn("env CI=true", log)
        self.assertNotIn("RUNNER_TRACKING_ID", log)
        self.assertNotIn("GITHUB_ACTION_PATH", log)
        self.assertIn("uid=0", log)
        self.assertIn("stdin=closed", log)
        self.assertTrue(any("Unexpected input" in w for w in result.messages("warning")))

    def test_runtime_variables_reach_actions_but_not_scripts(self):
        self.runner.settings.actions_env.update(ACTIONS_RUNTIME_TOKEN="jwt-secret",
                                                ACTIONS_RESULTS_URL="http://results/")

        result = self.run_steps(
            "{run: 'echo ACTIONS_RESULTS_URL=mine >> $GITHUB_ENV'}", toy("facts"),
            "{id: script, run: 'env | sort'}")

        self.assertIn("env ACTIONS_RESULTS_URL=http://results/\n", result.step("toy").log)
        self.assertIn("env ACTIONS_RUNTIME_TOKEN=***\n", result.step("toy").log)
        self.assertNotIn("ACTIONS_RUNTIME_TOKEN", result.step("script").log)
        self.assertIn("ACTIONS_RESULTS_URL=mine", result.step("script").log)


class Commands(ModelTest):
    def test_file_and_log_commands(self):
        result = self.run_steps(
            toy("commands"),
            "{id: check, run: 'printf \"[%s]\" \"$PLAIN\" \"$LINES\" "
            "\"${{ steps.toy.outputs.cache-hit }}\"'}",
            head="    outputs: {hit: '${{ steps.toy.outputs.cache-hit }}'}\n")

        self.assert_green(result)
        self.assertEqual(result.step("check").log, "[a=b<<c][one\n\nE~F ][true]")
        self.assertEqual(result.outputs, {"hit": "true"})
        self.assertEqual(result.summary, "# Toy\nsecret: ***\n")
        self.assertNotIn("hunter2", result.log)
        self.assertEqual(result.messages("warning"), ["odd\nthing"])
        warning = next(a for a in result.annotations if a.level == "warning")
        self.assertEqual(warning.properties["file"], str(self.runner.layout.workspace / "a.c"))
        self.assertEqual(result.messages("error"), ["bad ***"])

    def test_a_summary_over_one_mebibyte_is_dropped_and_the_step_stays_green(self):
        result = self.run_steps(toy("big-summary"))

        self.assert_green(result)
        self.assertEqual(result.summary, "")
        self.assertIn("GITHUB_STEP_SUMMARY upload aborted", result.messages("error")[0])

    def test_a_block_without_its_end_fails_the_step(self):
        result = self.run_steps(toy("open-block"))

        self.assertEqual(result.conclusion, "failure")
        self.assertIn("Matching delimiter not found 'END'", result.messages("error")[0])

    def test_files_are_read_after_a_failure_and_later_steps_are_skipped(self):
        result = self.run_steps(toy("fail"), "{id: skipped, run: 'true'}",
                                "{id: always, if: always(), run: 'echo $WRITTEN_BEFORE_FAILURE'}")

        self.assertEqual(result.conclusion, "failure")
        self.assertEqual(result.step("toy").exit_code, 7)
        self.assertEqual(result.step("skipped").conclusion, "skipped")
        self.assertEqual(result.step("always").log, "yes")

    def test_continue_on_error_keeps_the_job_green(self):
        result = self.run_steps(toy("fail", more=", continue-on-error: true"),
                                "{id: next, run: 'echo ${{ steps.toy.outcome }}'}")

        self.assert_green(result)
        self.assertEqual(result.step("next").log, "failure")

    def test_ten_annotations_of_a_level_are_kept(self):
        result = self.run_steps("{run: 'for i in $(seq 12); do echo ::notice::$i; done'}")

        self.assertEqual(len(result.messages("notice")), 10)


class Stages(ModelTest):
    def test_a_repository_action_is_built_once_and_posts_run_backwards(self):
        result = self.run_steps("{id: a, uses: acme/toy@v1}", "{id: b, uses: acme/toy@v1}")

        self.assert_green(result)
        self.assertEqual(len(re.findall("^building", result.log, re.MULTILINE)), 1)
        self.assertEqual([(s.stage, s.id) for s in result.steps],
                         [("pre", "a"), ("pre", "b"), ("main", "a"), ("main", "b"),
                          ("post", "b"), ("post", "a")])
        self.assertIn("state from pre: yes", result.step("a").log)

    def test_a_local_action_has_no_pre_and_is_built_in_main_and_post(self):
        result = self.run_steps("{uses: actions/checkout@v4}", "{id: toy, uses: ./}")

        self.assert_green(result)
        self.assertEqual(len(re.findall("^building", result.log, re.MULTILINE)), 2)
        self.assertIn("state from pre: none", result.step("toy").log)
        self.assertNotIn("pre ran", result.log)
        self.assertTrue(any("`pre` execution is not supported" in w
                            for w in result.messages("warning")))

    def test_a_skipped_main_with_a_pre_still_has_its_post(self):
        result = self.run_steps("{id: toy, if: false, uses: acme/toy@v1}")

        self.assertEqual(result.step("toy").conclusion, "skipped")
        self.assertIn("post ran", result.step("toy", "post").log)

    def test_files_of_root_stay_in_temp_and_break_the_next_checkout(self):
        first = self.run_steps("{uses: actions/checkout@v4}", toy("root-files"))
        second = self.run_steps("{uses: actions/checkout@v4}")

        self.assert_green(first)
        self.assertEqual(first.temp_leftovers, ["d", "d/e"])  # the plain file is gone
        self.assertIn("root owns _work/project/project/bin", self.runner.leftovers(seconds=0))
        self.assertEqual(second.conclusion, "failure")
        self.assertIn("EACCES", second.log)

    def test_orphans_of_scripts_are_swept(self):
        result = self.run_steps("{run: 'sleep 300 >/dev/null 2>&1 & echo started'}")

        self.assertEqual(len(result.swept), 1, result.log)
        self.assertEqual(self.runner.leftovers(), [])

    def test_a_path_entry_works_on_the_host(self):
        result = self.run_steps(toy("path"), "{id: use, run: toytool}")

        self.assertEqual(result.step("use").log, "the tool ran")


class ContainerJobs(ModelTest):
    HEAD = f"    container: {{image: '{images.BASE_IMAGE}'}}\n"

    def test_a_sibling_on_the_job_network_has_a_name_there(self):
        port = free_port()

        result = self.run_steps(
            toy("on-network", port),
            "{id: fetch, run: \"" + (FETCH % f"toycache:{port}").replace("\\", "\\\\").replace(
                '"', '\\"') + "; pwd\"}", head=self.HEAD)

        self.assert_green(result)
        sibling = result.step("toy").outputs["sibling"]
        self.assertIn(f"hello from {sibling[:12]}", result.step("fetch").log)
        self.assertIn("/__w/project/project", result.step("fetch").log)
        self.assertNotIn("network rm failed", result.log)
        self.assertEqual(self.runner.leftovers(), [])

    def test_a_sibling_that_stays_on_the_network_keeps_it_from_being_removed(self):
        result = self.run_steps(toy("stay-on-network", free_port()), head=self.HEAD)

        self.assert_green(result)
        self.assertIn("Docker network rm failed", result.log)
        found = self.runner.leftovers(seconds=0)
        self.assertEqual({f.split()[0] for f in found if not f.startswith("process")},
                         {"container", "network"}, found)

    def test_a_host_path_in_github_path_is_not_found_inside(self):
        result = self.run_steps(toy("path"), "{id: use, run: toytool}", head=self.HEAD)

        self.assertEqual(result.step("use").exit_code, 127)


class WhenCancelled(ModelTest):
    def test_sigint_reaches_process_one_and_post_still_runs(self):
        result, _ = cancel_when_waiting(self.runner, "trap")

        self.assertEqual(result.conclusion, "cancelled")
        self.assertEqual(result.step("toy").exit_code, 3)
        self.assertEqual(result.step("toy").conclusion, "cancelled")
        self.assertEqual(result.summary, "interrupted as pid 1\n")
        self.assertIn("early state: written", result.step("toy", "post").log)

    def test_who_does_not_listen_outlives_the_client_which_is_killed_after_ten_seconds(self):
        for behave, job in unreachable.jobs.items():
            result, left = job.result(timeout=60)
            self.assertIn("sent SIGINT, SIGTERM, SIGKILL", result.log)
            self.assertGreater(result.step("toy").seconds, 10)
            self.assertEqual(re.findall("got .*", result.log),
                             ["got INT", "got TERM"] if behave == "ignore" else [])
            self.assertIn("post ran", result.log)
            self.assertEqual(left, 1)
            # Once its process ends, the daemon keeps the promise of --rm.
            self.assertEqual(unreachable.runners[behave].leftovers(seconds=20), [])

    def test_a_shutdown_skips_post(self):
        handle = self.runner.start_text(workflow(toy("leak", free_port()), "{run: exec sleep 60}"))
        handle.wait_for_line("--- main exec sleep 60")
        handle.shut_down()

        result = handle.wait()

        self.assertEqual(result.conclusion, "cancelled")
        self.assertEqual(result.step("toy", "post").conclusion, "skipped")
        sibling = result.step("toy").outputs["sibling"]
        self.assertIsNotNone(inspect("container", sibling))
        docker("rm", "--force", sibling)

    def test_a_step_that_takes_too_long_fails(self):
        result = self.run_steps("{id: slow, timeout-minutes: 0.005, run: exec sleep 60}")

        self.assertEqual(result.step("slow").conclusion, "failure")
        self.assertIn("has timed out after 0.005 minutes", result.log)


if __name__ == "__main__":
    unittest.main()
