"""Starting, losing and doing without the server: the build never fails, and the events tell what happened."""

import concurrent.futures
import ctypes
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from stand import STARTED, UNHANDLED, ScriptedServer, Stand, finished, frame, unsupported

SLOW_COMPILER = """#!/bin/sh
case "$*" in *-E*) ;; *slow.c*) echo > started; while [ ! -e release ]; do sleep 0.02; done; echo ran >> finished ;; esac
exec /usr/bin/gcc "$@"
"""


CLOSE_RANGE = 436  # on every architecture
ENOSYS = 38


def without_close_range():
    """As on Linux before 5.9, and in sandboxes that know no later calls. For preexec_fn."""
    rules = [(0x20, 0, 0, 0),                       # load the call's number
             (0x15, 0, 1, CLOSE_RANGE),
             (0x06, 0, 0, 0x00050000 | ENOSYS),     # SECCOMP_RET_ERRNO
             (0x06, 0, 0, 0x7FFF0000)]              # SECCOMP_RET_ALLOW
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *rule) for rule in rules))
    program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(rules), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    if prctl(38, 1, 0, 0, 0) or prctl(22, 2, ctypes.addressof(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


class Lifecycle(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.close)
        self.stand.source("a.c", "int a(void) { return 1; }\n")

    def compile(self, name="a.c", expect=0, **options):
        source = pathlib.Path(name)
        target = self.stand.work / source.with_suffix(".o")
        target.unlink(missing_ok=True)
        result = self.stand.run("gcc", "-c", name, "-o", target.name, **options)
        self.assertEqual(result.returncode, expect, result)
        self.assertTrue(target.exists())
        return result

    def assert_uncached(self, *reasons, **options):
        """One compilation without the cache: done, and told once on stderr and once per case to the agent."""
        before = len(self.stand.events())
        first = not any(line == "notice" for line in self.stand.events())
        result = self.compile(**options)
        self.assertEqual(result.stderr.count(b"sccache: warning: "), 1 if first else 0, result.stderr)
        happened = [line for line in self.stand.events()[before:] if line.startswith("fallback")]
        self.assertIn(happened, [[f"fallback {reason}"] for reason in reasons])

    def test_parallel_first_compilations_start_one_server(self):
        for number in range(12):
            self.stand.source(f"f{number}.c", f"int f{number}(void) {{ return {number}; }}\n")

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            list(pool.map(self.compile, [f"f{number}.c" for number in range(12)]))

        self.assertEqual(self.stand.words(), ["started"])
        self.assertEqual(len(self.stand.servers()), 1)
        self.assertEqual(self.stand.statistics()["stats"]["compile_requests"], 12)

    def test_the_server_holds_no_pipe_of_a_build_on_an_old_kernel(self):
        process = self.stand.start("gcc", "-c", "a.c", "-o", "a.o", preexec_fn=without_close_range)

        process.communicate(timeout=60)  # ends only when nobody has the pipes any more

        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.stand.words(), ["started"])

    def test_the_server_holds_nothing_of_its_caller(self):
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        environment = {"MAKEFLAGS": f" -j --jobserver-auth={read_end},{write_end}", "LD_PRELOAD": ""}
        process = self.stand.start("gcc", "-c", "a.c", pass_fds=(read_end, write_end), env=environment)
        process.communicate(timeout=30)  # ends only when nobody else has its stdout
        os.close(write_end)

        self.assertEqual(os.read(read_end, 1), b"")  # nobody else has the write end
        os.close(read_end)
        (server,) = self.stand.servers()
        status = pathlib.Path(f"/proc/{server}/status").read_text()
        self.assertNotEqual(os.getsid(server), os.getsid(0))
        self.assertEqual(os.readlink(f"/proc/{server}/cwd"), "/")
        self.assertIn("PPid:", status)
        variables = pathlib.Path(f"/proc/{server}/environ").read_bytes()
        self.assertNotIn(b"MAKEFLAGS", variables)
        self.assertNotIn(b"LD_PRELOAD", variables)

    def test_foreign_settings_do_not_reach_the_server(self):
        foreign = {"SCCACHE_BUCKET": "stranger", "SCCACHE_ENDPOINT": "x", "SCCACHE_REDIS": "redis://x",
                   "SCCACHE_GHA_ENABLED": "1", "SCCACHE_DIR": "/nowhere", "SCCACHE_WEBDAV_KEY_PREFIX": "p",
                   "SCCACHE_SERVER_PORT": "1", "SCCACHE_NO_DAEMON": "0", "SCCACHE_C_CUSTOM_CACHE_BUSTER": "b"}
        home = self.stand.work / "home"
        (home / ".config/sccache").mkdir(parents=True)
        (home / ".config/sccache/config").write_text('[cache.s3]\nbucket = "other"\nno_credentials = true\n')

        self.compile(env={**foreign, "HOME": str(home)})

        self.assertTrue(self.stand.statistics()["cache_location"].startswith("webdav"))
        variables = pathlib.Path(f"/proc/{self.stand.servers()[0]}/environ").read_bytes().split(b"\0")
        self.assertIn(b"SCCACHE_C_CUSTOM_CACHE_BUSTER=b", variables)
        self.assertEqual([v for v in variables if v.startswith((b"SCCACHE_BUCKET", b"SCCACHE_REDIS"))], [])
        self.assertTrue(self.stand.store.objects)

    def test_restarts_a_dead_server_and_counts_it(self):
        self.compile()
        self.stand.kill_servers()

        self.compile()

        self.assertEqual(self.stand.words(), ["started", "restarted"])
        self.assertEqual(self.stand.statistics()["stats"]["cache_hits"]["counts"], {"C/C++": 1})

    def test_leaves_a_server_alone_that_keeps_dying(self):
        self.compile()
        self.stand.kill_servers()
        self.compile()
        self.stand.kill_servers()

        self.assert_uncached("backing-off")

        self.stand.write_record(starts=4, noticed=1)
        self.assert_uncached("restarts-exhausted")
        self.assertEqual(self.stand.words().count("restarted"), 1)

    def test_compiles_itself_when_the_server_dies_meanwhile(self):
        compiler = self.stand.work / "gcc"
        compiler.write_text(SLOW_COMPILER)
        compiler.chmod(0o755)
        self.stand.source("slow.c", "int slow(void) { return 1; }\n")
        running = [self.stand.start("./gcc", "-c", "slow.c", "-o", f"slow{n}.o") for n in range(2)]
        while not (self.stand.work / "started").exists():
            time.sleep(0.01)

        self.stand.kill_servers()
        while self.stand.words().count("fallback connection-lost") < 2:
            time.sleep(0.01)
        (self.stand.work / "release").touch()
        ends = [(process.communicate(timeout=30), process.returncode) for process in running]

        self.assertEqual([code for _, code in ends], [0, 0])
        self.assertTrue((self.stand.work / "slow0.o").exists() and (self.stand.work / "slow1.o").exists())
        self.assertEqual(sum(errors.count(b"server ended during") for (_, errors), _ in ends), 1)
        self.assertEqual((self.stand.work / "finished").read_text().split(), ["ran"] * 2)  # none for the dead server
        self.compile()
        self.assertEqual(self.stand.words().count("restarted"), 1)

    def test_a_server_that_hangs_is_waited_for_once(self):
        self.stand.configure(answer=400)
        self.compile()
        (hung,) = self.stand.servers()
        os.kill(hung, signal.SIGSTOP)

        begin = time.monotonic()
        running = [self.stand.start("gcc", "-c", "a.c", "-o", f"a{n}.o") for n in range(4)]
        codes = [(process.communicate(timeout=30), process.returncode)[1] for process in running]
        waited = time.monotonic() - begin
        self.assertEqual(codes, [0] * 4)
        self.assertLess(waited, 10)  # 0.4 s for all of them together, and what the machine needs
        self.assertNotIn(hung, self.stand.servers())
        self.assertEqual(self.stand.words().count("ended-hung"), 1)
        self.compile()

        self.assertEqual(self.stand.words().count("restarted"), 1)
        self.assertEqual(self.stand.statistics()["stats"]["cache_hits"]["counts"], {"C/C++": 1})

    def test_a_server_that_is_stopped_while_it_compiles_is_given_up_when_its_compiler_is_done(self):
        self.stand.configure(idle=400)
        compiler = self.stand.work / "gcc"
        compiler.write_text(SLOW_COMPILER)
        compiler.chmod(0o755)
        self.stand.source("slow.c", "int slow(void) { return 1; }\n")
        running = self.stand.start("./gcc", "-c", "slow.c", "-o", "slow.o")
        while not (self.stand.work / "started").exists():
            time.sleep(0.01)
        (server,) = self.stand.servers()

        os.kill(server, signal.SIGSTOP)
        time.sleep(0.8)  # its compiler still runs: whoever replaced it now would write the same file beside it
        self.assertIsNone(running.poll())
        self.assertEqual(self.stand.words().count("ended-hung"), 0)
        (self.stand.work / "release").touch()
        running.communicate(timeout=30)

        self.assertEqual(running.returncode, 0)
        self.assertTrue((self.stand.work / "slow.o").exists())
        self.assertEqual(self.stand.words(), ["started", "ended-hung", "fallback server-hung", "notice"])
        self.compile()
        self.assertEqual(self.stand.words().count("restarted"), 1)

    def test_a_server_that_waits_for_ever_is_given_up(self):
        self.stand.configure(idle=600)
        hold = threading.Event()
        self.addCleanup(hold.set)
        self.stand.store.before_put = hold.wait  # sccache sets no time limit to a store

        begin = time.monotonic()
        self.compile()

        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual(self.stand.words().count("ended-hung"), 1)
        self.assertEqual(self.stand.words().count("fallback server-hung"), 1)

    def test_a_server_that_is_only_slow_is_left_alone(self):
        self.stand.configure(answer=50)
        slow = self.stand.work / "gcc"
        slow.write_text('#!/bin/sh\ncase "$*" in *-E*) sleep 0.8 ;; esac\nexec /usr/bin/gcc "$@"\n')
        slow.chmod(0o755)
        self.assertEqual(self.stand.run("./gcc", "-c", "a.c", "-o", "a.o").returncode, 0)

        self.assertEqual(self.stand.words().count("ended-hung"), 0)
        self.assertEqual(len(self.stand.servers()), 1)

    def test_never_asks_twice_whose_socket_is_gone(self):
        self.compile()
        (old,) = self.stand.servers()
        self.stand.socket.unlink()

        self.compile()

        self.assertNotIn(old, self.stand.servers())
        self.assertEqual(len(self.stand.servers()), 1)

    def test_a_dead_agent_costs_the_cache_only(self):
        self.stand.configure(agent="127.0.0.1:9")
        self.assert_uncached("agent-unreachable")
        self.assert_uncached("backing-off", "agent-unreachable")
        self.assertEqual(self.stand.servers(), [])

    def test_an_agent_that_says_nothing_is_dead_after_a_second(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.stand.configure(agent=f"127.0.0.1:{silent.getsockname()[1]}")
            begin = time.monotonic()
            self.assert_uncached("agent-unreachable")
            self.assertLess(time.monotonic() - begin, 3)

    def test_an_agent_by_name_or_none_is_not_asked(self):
        self.stand.configure(agent="cache.example:7420")
        self.compile()
        self.stand.kill_servers()
        self.stand.configure(agent="")
        self.compile()
        self.assertEqual(self.stand.words(), ["started", "restarted"])

    def test_a_server_that_cannot_start_costs_the_cache_only(self):
        self.stand.store.token = "changed"  # its start-up probe is refused
        self.assert_uncached("server-start-failed")
        self.assertEqual(self.stand.words()[0], "start-failed exited")
        self.assertIn("cache storage failed to read", (self.stand.folder / "log").read_text())
        self.stand.write_record(failed_starts=3, noticed=1)
        self.assert_uncached("restarts-exhausted")

    def test_a_real_sccache_that_is_gone_costs_the_cache_only(self):
        self.stand.configure(real="/nowhere/sccache")
        self.assert_uncached("server-start-failed")

    def test_odd_servers_cost_the_cache_only(self):
        cases = {
            b"": "connection-lost",
            b"\xff\xff\xff\xff" + b"x" * 64: "bad-reply",
            frame(b"\x09\0\0\0"): "bad-reply",
            frame(b""): "bad-reply",
            STARTED[:-1]: "connection-lost",
            STARTED + b"\x0f\xff\xff\xff abc": "connection-lost",
            STARTED + finished()[:-2]: "connection-lost",
            STARTED + frame(struct.pack("<IBiBiQ", 5, 1, 0, 0, 0, 1 << 62)): "bad-reply",
            unsupported(b"Compiler not supported"): "unsupported-compiler",
        }
        for reply, reason in cases.items():
            with self.subTest(reason=reason, reply=reply):
                server = ScriptedServer(self.stand, reply)
                self.assert_uncached(reason)
                server.close()
                self.stand.socket.unlink()

    def test_a_foreign_socket_costs_the_cache_only(self):
        self.stand.configure(socket=f"{self.stand.program}/sock")
        self.assert_uncached("connect-failed")

    def test_a_lock_that_cannot_be_had_costs_the_cache_only(self):
        self.stand.configure(lock="/nowhere/lock")
        self.assertEqual(self.compile().stderr, b"")
        self.assertEqual(self.stand.events(), ["fallback lock-unavailable"])

    def test_a_broken_record_is_an_empty_one(self):
        (self.stand.folder / "lock").write_bytes(b"\xff" * 500)
        self.compile()
        self.assertEqual(self.stand.words(), ["started"])

    def test_incremental_compilations_are_left_alone(self):
        self.assert_uncached("incremental", env={"CARGO_INCREMENTAL": "1"})
        self.compile(env={"CARGO_INCREMENTAL": "0"})
        self.assertEqual(self.stand.words()[-1], "started")

    def test_a_compilation_in_a_removed_folder(self):
        gone = self.stand.work / "gone"
        gone.mkdir()
        script = f"rmdir {gone}; exec {self.stand.program} gcc -c {self.stand.work}/a.c -o {self.stand.work}/g.o"
        result = self.stand.run("-c", script, program="/bin/sh", cwd=gone)
        self.assertEqual(result.returncode, 0, result)
        self.assertTrue((self.stand.work / "g.o").exists())

    def test_signals_reach_the_caller_of_an_uncacheable_compilation(self):
        script = self.stand.work / "dies"
        script.write_text("kill -9 $$\n")  # without an interpreter line: run by a shell
        script.chmod(0o755)
        server = ScriptedServer(self.stand, UNHANDLED)
        self.addCleanup(server.close)
        self.assertEqual(self.stand.run("./dies").returncode, -signal.SIGKILL)

    def test_waits_while_a_server_is_slow(self):
        server = ScriptedServer(self.stand, UNHANDLED)
        self.addCleanup(server.close)
        blocker = socket.socket(socket.AF_UNIX)  # takes the server's one place, and asks nothing
        blocker.connect(str(self.stand.socket))
        process = self.stand.start("gcc", "-c", "a.c", "-o", "a.o")
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        blocker.close()
        process.communicate(timeout=10)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
