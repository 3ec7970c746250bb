"""hearth slots with real make and cargo: never more jobs than slots, nothing stuck, whatever is killed."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

from tests.agent.running import HEARTH

SECONDS = 60
# A job leaves when it began and ended; what overlapped is counted afterwards.
JOB = "begin=$$(date +%s%N); sleep 0.05; echo $$begin $$(date +%s%N) >> '{log}'"


class Slots(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-slots-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "log"
        # What those leave behind that are killed here goes with the rest.
        self.environment = {k: v for k, v in os.environ.items() if not k.endswith("MAKEFLAGS")} | {
            "XDG_RUNTIME_DIR": str(self.folder)}

    def start(self, count: int, *command: str, where: pathlib.Path | None = None, flags: tuple[str, ...] = ()):
        process = subprocess.Popen([str(HEARTH), "slots", str(count), "--folder", str(self.folder / "pool"), *flags,
                                    "--", *command], cwd=where or self.folder, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        self.addCleanup(process.stdout.close)
        return process

    def finish(self, process: subprocess.Popen, status: int = 0) -> str:
        output, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, status, output)
        return output

    def most_at_once(self, jobs: int) -> int:
        spans = [tuple(map(int, line.split())) for line in self.log.read_text().splitlines()]
        self.assertEqual(len(spans), jobs)
        moments = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
        running = most = 0
        for _, change in moments:
            running += change
            most = max(most, running)
        return most

    def makefile(self, name: str, jobs: int) -> pathlib.Path:
        where = self.folder / name
        where.mkdir()
        targets = " ".join(f"t{number}" for number in range(jobs))
        (where / "Makefile").write_text(f"all: {targets}\nt%:\n\t@{JOB.format(log=self.log)}\n")
        return where

    def test_two_makes_share_the_slots(self):
        makes = [self.start(3, "make", where=self.makefile(name, 12)) for name in ("a", "b")]
        for make in makes:
            self.assertNotIn("jobserver", self.finish(make))
        most = self.most_at_once(24)
        self.assertLessEqual(most, 3)
        self.assertGreater(most, 1, "make ran its jobs one after the other")

    def test_who_waits_gets_a_slot_while_the_other_build_has_jobs_left(self):
        started, begin, done = (self.folder / name for name in ("started", "begin", "done"))
        where = self.folder / "busy"
        where.mkdir()
        targets = " ".join(f"t{number}" for number in range(40))
        (where / "Makefile").write_text(
            f"all: {targets}\nt%:\n\t@echo >> {started}; while ! test -e {begin}; do sleep 0.05; done; "
            f"test -e {done} || sleep 0.5; echo >> {self.log}\n")
        busy = self.start(2, "make", where=where)
        self.wait_until(lambda: started.exists() and len(started.read_text()) == 2)
        waiter = self.start(2, "sh", "-c", f"wc -l < {self.log} > {done}")
        self.assertIn("waiting for one of 2 slots", waiter.stdout.readline())
        begin.touch()
        self.finish(waiter)
        self.finish(busy)
        self.assertLess(int(done.read_text()), 40 - 2, "it waited for the end of the other build")

    def test_a_nested_make_stays_within_them(self):
        inner = self.makefile("inner", 8)
        outer = self.folder / "outer"
        outer.mkdir()
        (outer / "Makefile").write_text(f"all: x y\nx y:\n\t@+$(MAKE) -s -C {inner} $@-all\n")
        text = (inner / "Makefile").read_text()
        (inner / "Makefile").write_text(text + "x-all: all\ny-all: all\n")
        self.finish(self.start(2, "make", where=outer))
        self.assertLessEqual(self.most_at_once(16), 2)

    def test_a_make_that_only_prints_runs_nothing_below_it_either(self):
        (self.folder / "sub.mk").write_text(f"all:\n\ttouch {self.folder}/ran\n")
        (self.folder / "Makefile").write_text(
            f"all:\n\t{HEARTH} slots 8 --folder {self.folder}/pool -- $(MAKE) -f sub.mk\n")
        printed = subprocess.run(["make", "-n", "X=a b"], cwd=self.folder, env=self.environment, capture_output=True,
                                 text=True, timeout=SECONDS, check=True)
        self.assertIn("touch", printed.stdout)
        self.assertFalse((self.folder / "ran").exists())

    def test_cargo_builds_with_a_single_slot(self):
        project = self.folder / "project"
        (project / "src").mkdir(parents=True)
        (project / "src" / "lib.rs").write_text("pub fn one() -> u32 { 1 }\n")
        (project / "Cargo.toml").write_text('[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n')
        self.finish(self.start(1, "cargo", "build", "--offline", "--quiet", where=project))
        self.assertTrue((project / "target" / "debug").is_dir())

    def test_forty_wait_and_all_run(self):
        script = JOB.format(log=self.log).replace("$$", "$")
        waiting = [self.start(4, "sh", "-c", script, flags=("--no-jobserver", "--quiet")) for _ in range(40)]
        for one in waiting:
            self.finish(one)
        self.assertLessEqual(self.most_at_once(40), 4)

    def test_what_is_killed_gives_its_slots_back(self):
        holder = self.start(1, "sleep", "60")
        self.wait_for_child(holder)
        waiter = self.start(1, "true")
        time.sleep(0.2)
        self.assertIsNone(waiter.poll(), "the only slot is taken")
        os.killpg(holder.pid, signal.SIGKILL)
        self.finish(waiter)
        self.finish(holder, -signal.SIGKILL)

    def test_a_build_ends_with_the_process_that_holds_its_slots(self):
        holder = self.start(1, "sh", "-c", f"echo $$ > {self.folder}/pid; exec sleep 600", flags=("--no-jobserver",))
        pid = self.folder / "pid"
        self.wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"))
        os.kill(holder.pid, signal.SIGKILL)
        self.finish(holder, -signal.SIGKILL)  # reads to the end of what the build has open as well
        self.finish(self.start(1, "true"))

    def test_a_waiter_that_is_killed_holds_nobody_up(self):
        holder = self.start(1, "sleep", "60")
        self.wait_for_child(holder)
        gone = self.start(1, "true")
        time.sleep(0.2)
        last = self.start(1, "true")
        gone.kill()
        os.killpg(holder.pid, signal.SIGKILL)
        self.finish(last)
        self.finish(holder, -signal.SIGKILL)
        self.finish(gone, -signal.SIGKILL)

    def test_waiting_is_said_and_can_be_interrupted(self):
        holder = self.start(1, "sleep", "60")
        self.wait_for_child(holder)
        waiter = self.start(1, "true")
        time.sleep(1.5)
        waiter.terminate()
        self.assertIn("waiting for one of 1 slots", self.finish(waiter, 1))
        os.killpg(holder.pid, signal.SIGKILL)
        self.finish(holder, -signal.SIGKILL)

    def test_one_inside_another_runs_in_its_slot(self):
        pool = self.folder / "by-another-name"
        pool.symlink_to(self.folder / "pool")
        inner = f"{HEARTH} slots 1 --folder {pool} -- sh -c 'echo \"$MAKEFLAGS\"; exit 7'"
        outer, inner, *_ = self.finish(self.start(1, "sh", "-c", f'echo "$MAKEFLAGS"; {inner}'), 7).splitlines()
        self.assertIn("jobserver", outer)
        self.assertEqual(inner, outer, "the jobserver is the outer's")

    def test_one_inside_another_waits_for_slots_of_another_folder(self):
        inner = (str(HEARTH), "slots", "1", "--folder", str(self.folder / "other"), "--", "sh", "-c")
        ran = self.folder / "ran"
        holder = self.start(2, *inner, f"echo > {ran}; exec sleep 600", flags=("--no-jobserver",))
        self.wait_until(ran.exists)
        waiter = self.start(2, *inner, "exit 7", flags=("--no-jobserver",))
        self.assertIn("waiting", waiter.stdout.readline())
        os.killpg(holder.pid, signal.SIGKILL)
        self.finish(holder, -signal.SIGKILL)
        self.finish(waiter, 7)

    def test_the_commands_exit_code_is_passed_on(self):
        self.finish(self.start(2, "sh", "-c", "exit 7"), 7)

    def test_a_host_without_room_still_runs_one_at_a_time(self):
        where = self.makefile("a", 4)
        self.finish(self.start(3, "make", where=where, flags=("--ram", "100TiB")))
        self.assertEqual(self.most_at_once(4), 1)

    def test_who_asks_for_more_memory_than_there_is_holds_nobody_up(self):
        greedy = self.start(3, "sleep", "600", flags=("--ram", "1000TiB"))
        self.wait_for_child(greedy)
        waiter = self.start(3, "true", flags=("--ram", "1000TiB"))
        self.assertIn("short of memory", waiter.stdout.readline())
        self.finish(self.start(3, "true"))
        self.assertIsNone(greedy.poll())
        self.assertIsNone(waiter.poll())
        os.killpg(greedy.pid, signal.SIGKILL)
        self.finish(greedy, -signal.SIGKILL)
        self.finish(waiter)

    def test_wrong_counts_are_refused(self):
        self.assertRegex(self.finish(self.start(0, "true"), 2), re.compile("range", re.IGNORECASE))

    def wait_until(self, true) -> None:
        deadline = time.monotonic() + SECONDS
        while not true():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def wait_for_child(self, holder: subprocess.Popen) -> None:
        children = pathlib.Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
        self.wait_until(lambda: children.read_text().strip())


if __name__ == "__main__":
    unittest.main()
