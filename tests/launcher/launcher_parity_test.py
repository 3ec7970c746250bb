"""Holds the launcher against the real sccache client: the same requests, the same answers, the same words."""

import os
import random
import subprocess
import unittest

from stand import STARTED, UNHANDLED, ScriptedServer, Stand, finished

PIECES = [
    b"plain text ", b"\n", b"\t", b"\r", b"\x07", b"\0", b"\x7f", b"\x1b[31m", b"\x1b[m", b"\x1b[01;35m\x1b[K", b"\x1b",
    b"\x1b]0;title\x07", b"\x1b]8;;http://x\x1b\\", b"\x1bP1$q\x1b\\", b"\x1bPq\x9c", b"\x1b[?25l", b"\x1b[1:2;3 q",
    b"\x1b(B", b"\x1b#8", b"\x1bX string \x1b\\", b"\x18", b"\x1a", b"\xc3\xa4", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80",
    b"\x80", b"\x9b", b"\xc2\x9b", b"\xe2\x82", b"\xf0\x9f", b"\xff", b"\xed\xa0\x80", b"\xe0\x80", b"\xf4\x90\x80\x80",
    b"\xc1\xbf", b"\x1b[<1x", b"\x1b[1<x", b"\x1b[ 1x", b"\x1bP 1x", b"m", b"1", b";", b"[", b"]", b" ", b"_",
]  # fmt: skip


class Parity(unittest.TestCase):
    def setUp(self):
        self.stand = Stand()
        self.addCleanup(self.stand.close)

    def scripted(self, reply):
        server = ScriptedServer(self.stand, reply)
        self.addCleanup(server.close)
        return server

    def assert_same(self, *arguments, **options):
        ours = self.stand.run(*arguments, **options)
        theirs = self.stand.run_real(*arguments, **options)
        self.assertEqual((ours.returncode, ours.stdout, ours.stderr),
                         (theirs.returncode, theirs.stdout, theirs.stderr), arguments)
        return ours

    def assert_same_request(self, *arguments, **options):
        server = self.scripted(UNHANDLED)
        both = {"SCCACHE_SERVER_UDS": str(self.stand.socket), **options.pop("env", {})}
        self.stand.run(*arguments, env=both, **options)
        self.stand.run(*arguments, env=both, program=self.stand.real, **options)
        ours, theirs = server.requests
        self.assertEqual(ours, theirs)
        self.assertGreater(len(ours), 100)
        return ours

    def test_sends_the_request_of_the_real_client(self):
        self.assert_same_request("gcc", "-c", "x.c", "-o", "x.o")

    def test_leaves_out_the_same_variables(self):
        unsent = {"LD_PRELOAD": "", "HOSTNAME": "h", "PWD": "/x", "SOURCE_DATE_EPOCH": "1", "DESTDIR": "d",
                  "CARGO_MAKEFLAGS": "-j", "HOST": "h", "MINICOM": "m"}
        sent = self.assert_same_request("gcc", "-c", "x.c", env={**unsent, "MAKEFLAGS": "-j", "EMPTY": ""})
        self.assertNotIn(b"SOURCE_DATE_EPOCH", sent)
        self.assertIn(b"MAKEFLAGS", sent)

    def test_passes_bytes_that_are_no_text(self):
        sent = self.assert_same_request("gcc", "-c", b"caf\xe9\xff.c", "", "a\nb", env={b"ODD\xff": b"\x80\xfe"})
        self.assertIn(b"caf\xe9\xff.c", sent)

    def test_sends_huge_arguments_and_environment(self):
        arguments = [f"-DMACRO_{number}={'x' * 50}" for number in range(8000)]
        self.assert_same_request("gcc", "-c", "x.c", *arguments, env={f"BIG{n}": "y" * 100_000 for n in range(5)})

    def test_finds_relative_compilers_alike(self):
        (self.stand.work / "sub").mkdir()
        for place in ("my-cc", "sub/my-cc"):
            os.symlink("/usr/bin/gcc", self.stand.work / place)
        for name in ("./my-cc", "sub/my-cc", "sub/../my-cc", "/usr/bin/gcc"):
            with self.subTest(name):
                self.stand.socket.unlink(missing_ok=True)
                self.assert_same_request(name, "-c", "x.c")

    def test_searches_path_alike(self):
        folder = self.stand.work / "p"
        (folder / "gcc").mkdir(parents=True)  # a folder is no program, nor is a file without x
        (self.stand.work / "q").mkdir()
        (self.stand.work / "q/gcc").write_text("")
        for path in (f"{folder}:{self.stand.work}/q:/usr/bin", "/nowhere::/usr/bin/", "~/none:/usr//bin"):
            with self.subTest(path):
                self.stand.socket.unlink(missing_ok=True)
                self.assert_same_request("gcc", "-c", "x.c", env={"PATH": path})

    def test_says_the_same_of_a_missing_compiler(self):
        self.scripted(UNHANDLED)
        self.assertEqual(self.assert_same("no-such-compiler", "-c", "x.c").returncode, 2)

    def test_prints_what_the_real_client_prints(self):
        """Random output, through every colour mode: stripping must not differ in one byte."""
        seed = int(os.environ.get("HEARTH_SEED", "20261121"))
        source = random.Random(seed)
        server = self.scripted(b"")
        for turn in range(150):
            texts = [b"".join(source.choices(PIECES, k=source.randrange(12))) for _ in range(2)]
            server.reply = STARTED + finished(turn % 3, None, *texts, color=turn % 5 % 3)
            with self.subTest(seed=seed, turn=turn, texts=texts):
                self.assert_same("gcc", "-c", "x.c")

    def test_ends_as_the_compiler_ended(self):
        server = self.scripted(b"")
        for code, killed_by, expected in ((0, None, 0), (1, None, 1), (300, None, 44), (-1, None, 255),
                                          (None, 11, 254), (None, None, 253)):
            with self.subTest(code=code, killed_by=killed_by):
                server.reply = STARTED + finished(code, killed_by, b"out\n", b"err\n")
                self.assertEqual(self.assert_same("gcc", "-c", "x.c").returncode, expected)

    def test_reads_replies_in_any_pieces(self):
        text = os.urandom(3_000_000).hex().encode()
        whole = STARTED + finished(3, None, b"out\n", text)
        server = self.scripted([whole[:3], whole[3:13], whole[13:14], whole[14:100], whole[100:]])
        result = self.stand.run("gcc", "-c", "x.c")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (3, b"out\n", text))
        self.assertEqual(len(server.requests), 1)

    def test_keeps_colours_on_a_terminal(self):
        self.scripted(STARTED + finished(0, None, b"", b"\x1b[31mred\x1b[m\ttab\n"))
        for terminal, kept in (("xterm", True), ("dumb", False)):
            for program in (self.stand.program, self.stand.real):
                with self.subTest(terminal=terminal, program=program):
                    primary, secondary = os.openpty()
                    environment = {**self.stand.environment, "TERM": terminal,
                                   "SCCACHE_SERVER_UDS": str(self.stand.socket)}
                    subprocess.run([program, "gcc", "-c", "x.c"], env=environment, stderr=secondary, check=True)
                    os.close(secondary)
                    self.assertEqual(b"\x1b[31m" in os.read(primary, 100), kept)
                    os.close(primary)


class AgainstTheServer(unittest.TestCase):
    """Compilations of real compilers through a real server: ours and theirs see the same."""

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand()
        cls.addClassCleanup(cls.stand.close)
        cls.stand.source("good.c", "int good(void) { return 1; }\n")
        cls.stand.source("warns.c", "int f(void) { int unused; return 1; }\n")
        cls.stand.source("wrong.c", "int f(void) { return x; }\n\tint g(void) { return \xe4; }\n")
        cls.stand.source("args.rsp", "-c good.c -o rsp.o -DX=1\n")
        cls.stand.source("lib.rs", "pub fn f() -> u32 { let unused = 1; 2 }\n")
        cls.stand.source("wrong.rs", "pub fn f() -> u32 { x }\n")

    def test_same_results(self):
        rust = ["rustc", "--crate-name", "lib", "--crate-type", "lib", "--emit=link,dep-info", "--out-dir", "out"]
        commands = [
            ["gcc", "-c", "good.c", "-o", "good.o"],
            ["gcc", "-c", "warns.c", "-o", "warns.o", "-Wall"],
            ["gcc", "-c", "wrong.c", "-o", "wrong.o"],
            ["gcc", "-c", "wrong.c", "-o", "wrong.o", "-fdiagnostics-color=always"],
            ["gcc", "-c", "wrong.c", "-o", "wrong.o", "-fdiagnostics-color=never"],
            ["gcc", "-c", "missing.c", "-o", "missing.o"],
            ["gcc", "-E", "good.c"],
            ["gcc", "--version"],
            ["gcc", "-fsyntax-only", "wrong.c"],
            ["gcc", "-c", "good.c", "warns.c"],
            ["gcc", "@args.rsp"],
            ["gcc"],
            ["gcc", "--no-such-option", "-c", "good.c"],
            [*rust, "lib.rs"],
            [*rust, "wrong.rs"],
            ["rustc", "-vV"],
            ["rustc", "--print", "sysroot"],
        ]
        (self.stand.work / "out").mkdir(exist_ok=True)
        for command in commands:
            for attempt in ("cold", "warm"):
                with self.subTest(command=command, attempt=attempt):
                    ours = self.stand.run(*command)
                    theirs = self.stand.run_real(*command)
                    self.assertEqual((ours.returncode, ours.stdout, ours.stderr),
                                     (theirs.returncode, theirs.stdout, theirs.stderr))
        self.assertEqual(self.stand.words(), ["started"])

    def test_same_object(self):
        for name, run in (("ours.o", self.stand.run), ("theirs.o", self.stand.run_real)):
            run("gcc", "-O2", "-c", "good.c", "-o", name)
        direct = subprocess.run(["gcc", "-O2", "-c", "good.c", "-o", "direct.o"], cwd=self.stand.work, check=True)
        self.assertEqual(direct.returncode, 0)
        contents = {(self.stand.work / name).read_bytes() for name in ("ours.o", "theirs.o", "direct.o")}
        self.assertEqual(len(contents), 1)

    def test_compiles_standard_input(self):
        result = self.stand.run("gcc", "-x", "c", "-c", "-", "-o", "in.o", standard_input=b"int in(void);\n")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue((self.stand.work / "in.o").exists())


if __name__ == "__main__":
    unittest.main()
