"""What is no compilation, and the build tools that call the launcher."""

import shutil
import subprocess
import unittest

from stand import Stand


class Commands(unittest.TestCase):
    """Everything that is no compilation."""

    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.close)

    def test_the_real_sccache_answers_what_is_no_compilation(self):
        for arguments in (["--version"], ["-V"], ["--help"], ["-h"], [], ["--no-such-option"], ["--show-stats"],
                          ["-s"], ["--show-adv-stats"], ["--show-stats", "--stats-format", "json"], [""], ["--"],
                          ["--", "no-such-compiler"], ["--dist-status"], ["-z"], ["--debug-preprocessor-cache"]):
            with self.subTest(arguments):
                settings = {"SCCACHE_CONF": "/dev/null", "SCCACHE_IDLE_TIMEOUT": "0",
                            "SCCACHE_WEBDAV_ENDPOINT": f"http://{self.stand.store.address}/sccache",
                            "SCCACHE_WEBDAV_TOKEN": "sesame"}
                ours = self.stand.run(*arguments)
                theirs = self.stand.run_real(*arguments, env=settings)
                self.assertEqual((ours.returncode, ours.stdout, ours.stderr),
                                 (theirs.returncode, theirs.stdout, theirs.stderr))

    def test_a_compiler_after_two_dashes_reaches_our_server(self):
        self.stand.source("a.c", "int a(void) { return 1; }\n")
        self.stand.run("--start-server")
        self.assertEqual(self.stand.run("--", "gcc", "-c", "a.c").returncode, 0)
        self.assertEqual(self.stand.statistics()["stats"]["compile_requests"], 1)

    def test_starting_the_server_twice_keeps_the_first(self):
        for _ in range(2):
            result = self.stand.run("--start-server")
            self.assertEqual(result.returncode, 0)
            self.assertIn(b"Listening on address", result.stdout)
        self.assertEqual(len(self.stand.servers()), 1)
        self.assertEqual(self.stand.words(), ["started"])

    def test_zeroing_statistics_starts_our_server(self):
        self.assertEqual(self.stand.run("--zero-stats").stderr, b"Statistics zeroed.\n")
        self.assertEqual(self.stand.words(), ["started"])
        self.assertTrue(self.stand.statistics()["cache_location"].startswith("webdav"))

    def test_a_stopped_server_is_started_again_without_blame(self):
        self.stand.source("a.c", "int a(void) { return 1; }\n")
        for _ in range(5):
            self.assertEqual(self.stand.run("gcc", "-c", "a.c").returncode, 0)
            self.assertEqual(self.stand.run("--stop-server").returncode, 0)
        self.assertEqual(self.stand.words(), ["started", "stopped"] * 5)

    def test_starting_a_server_that_cannot_start_is_an_error(self):
        self.stand.configure(agent="127.0.0.1:9")
        result = self.stand.run("--start-server")
        self.assertEqual((result.returncode, result.stderr),
                         (2, b"sccache: error: Server startup failed: agent-unreachable\n"))

    def test_stands_in_for_a_compiler_through_a_link(self):
        self.stand.source("a.c", "int a(void) { return 1; }\n")
        link = self.stand.folder / "bin/gcc"
        link.symlink_to(self.stand.program)
        for program in (link, "gcc"):  # found on PATH, itself is there first
            result = self.stand.run("-c", "a.c", "-o", "a.o", program=program)
            self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertEqual(self.stand.run("gcc", "-c", "a.c").returncode, 0)
        self.assertEqual(self.stand.statistics()["stats"]["compile_requests"], 3)

    def test_uses_the_real_client_for_an_unknown_protocol(self):
        self.stand.configure(protocol="0.99")
        self.stand.source("a.c", "int a(void) { return x; }\n")
        result = self.stand.run("gcc", "-c", "a.c")
        self.assertEqual((result.returncode, b"undeclared" in result.stderr), (1, True))
        self.assertEqual(self.stand.statistics()["stats"]["compile_requests"], 1)
        self.assertEqual(self.stand.words(), ["started"])
        self.stand.kill_servers()
        self.stand.store.token = "changed"
        self.assertEqual(self.stand.run("gcc", "-c", "a.c").returncode, 1)
        self.assertEqual(self.stand.words()[-2], "fallback server-start-failed")

    def test_the_real_sccache_may_have_any_name(self):
        other = self.stand.work / "sccache-real"
        shutil.copy(self.stand.real, other)
        self.stand.configure(real=other)
        self.stand.source("a.c", "int a(void) { return 1; }\n")
        self.assertEqual(self.stand.run("gcc", "-c", "a.c").returncode, 0)
        self.assertIn(b"sccache 0.16", self.stand.run("--version", timeout=5).stdout)

    def test_runs_without_its_configuration(self):
        self.stand.source("a.c", "int a(void) { return 1; }\n")
        for content in (None, "real=relative\n", "junk\n", f"real=/x\nsocket=/{'y' * 120}\nlock=/l\nstate=/s\n"):
            with self.subTest(content):
                file = self.stand.folder / "bin/launcher.conf"
                file.unlink() if content is None else file.write_text(content)
                result = self.stand.run("gcc", "-c", "a.c")
                self.assertEqual((result.returncode, result.stderr), (0, b""))
        other = self.stand.work / "other"
        other.mkdir()
        shutil.copy(self.stand.real, other / "sccache")
        path = f"{self.stand.folder}/bin:{other}:/usr/bin"
        self.assertIn(b"sccache 0.16", self.stand.run("--version", env={"PATH": path}).stdout)
        self.assertEqual(self.stand.run("--version", env={"PATH": "/usr/bin"}).returncode, 2)


class BuildTools(unittest.TestCase):
    """cargo and make, with their job servers."""

    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.close)

    def test_cargo(self):
        work = self.stand.work
        for name, text in (("a", "pub fn a() -> u32 { 1 }"), ("b", "pub fn b() -> u32 { a::a() }")):
            (work / name / "src").mkdir(parents=True)
            (work / name / "src/lib.rs").write_text(text)
            extra = '[dependencies]\na = { path = "../a" }\n' if name == "b" else ""
            (work / name / "Cargo.toml").write_text(
                f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{extra}')
        (work / "b/src/main.rs").write_text("fn main() { println!(\"{}\", b::b()); }")
        (work / "Cargo.toml").write_text('[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n')
        environment = {"RUSTC_WRAPPER": str(self.stand.program), "CARGO_INCREMENTAL": "0"}

        for _ in range(2):
            shutil.rmtree(work / "target", ignore_errors=True)
            result = self.stand.run("build", "-j4", "--offline", program="cargo", env=environment)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertNotIn(b"warning", result.stderr)

        self.assertEqual(subprocess.check_output([work / "target/debug/b"]), b"1\n")
        self.assertEqual(self.stand.statistics()["stats"]["cache_hits"]["counts"], {"Rust": 2})
        self.assertEqual(self.stand.words(), ["started"])

    def test_make_with_a_job_server(self):
        work = self.stand.work
        names = [f"m{number}" for number in range(6)]
        for name in names:
            self.stand.source(f"{name}.c", f"int {name}(void) {{ return 1; }}\n")
        objects = " ".join(f"{name}.o" for name in names)
        (work / "Makefile").write_text(
            f"all:\n\t+$(MAKE) prog\nprog: {objects}\n\t+$(CC) -flto=jobserver -shared -o $@ $^\n"
            "%.o: %.c\n\t$(CC) -flto -fPIC -c -o $@ $<\n")

        result = self.stand.run("-j3", f"CC={self.stand.program} gcc", program="make", timeout=60)

        self.assertEqual(result.returncode, 0, result)
        self.assertNotIn(b"jobserver", result.stderr)
        self.assertEqual(self.stand.words(), ["started"])
        self.assertEqual(self.stand.statistics()["stats"]["cache_misses"]["counts"], {"C/C++": 6})


if __name__ == "__main__":
    unittest.main()
