"""`hearth run --explain`, `hearth diff` and `hearth why` over builds with the real sccache."""

from __future__ import annotations

import json
import subprocess
import time
import unittest

from tests.doctor.world import HEARTH, MAKE, World

EXPLAIN = ("--explain",)


class Explain(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def diff(self) -> dict:
        return json.loads(self.world.call(HEARTH, "diff", "--json", "--store", self.world.store).stdout)

    def test_names_the_definition_that_changed(self):
        self.world.c_project(2)
        self.world.run(*MAKE, flags=EXPLAIN, env={"CFLAGS": "-DID=1"})
        self.world.clean()
        self.world.run(*MAKE, flags=EXPLAIN, env={"CFLAGS": "-DID=2"})

        difference = self.diff()

        self.assertEqual({key["name"] for key in difference["changed"]}, {"a0.o", "a1.o"}, difference)
        self.assertEqual(difference["changed"][0]["first"], {"what": "argument", "then": "-DID=1", "now": "-DID=2"})

    def test_names_the_header_that_changed(self):
        self.world.c_project(3, '#include "config.h"\nint f{n}(void) {{ return VALUE + {n}; }}\n')
        self.world.write("Makefile", "all: sub/a0.o sub/a1.o sub/a2.o\n"
                                     "sub/%.o: %.c\n\tcd sub && $(CC) -I../include -c ../$*.c -o $*.o\n")
        (self.world.project / "sub").mkdir()
        self.world.write("include/config.h", '#include "version.h"\n#define VALUE VERSION\n')
        self.world.write("include/version.h", "#define VERSION 1\n")
        self.world.run(*MAKE, flags=EXPLAIN)
        self.world.clean()
        self.world.write("include/version.h", "#define VERSION 2\n")
        self.world.run(*MAKE, flags=EXPLAIN)

        said = self.world.call(HEARTH, "diff", "--store", self.world.store).stdout
        why = self.world.call(HEARTH, "why", "--store", self.world.store, "a1.o").stdout

        self.assertIn("include/version.h changed (first): 3 compilations cascaded.", said)
        self.assertIn("a1.o: include/version.h changed", why)

    def test_names_the_source_and_the_variable_of_a_crate(self):
        self.world.rust_project(2)
        self.world.write("lib0/src/lib.rs", 'mod part;\npub const HASH: Option<&str> = option_env!("GIT_HASH");\n')
        self.world.write("lib0/src/part.rs", "")
        self.world.cargo(flags=EXPLAIN)
        self.world.clean()
        self.world.write("lib0/src/part.rs", "pub fn new() {}\n")
        self.world.write("lib1/src/lib.rs", "pub fn other() {}\n")
        self.world.cargo(flags=EXPLAIN)
        sources = self.world.call(HEARTH, "diff", "--store", self.world.store).stdout
        self.world.clean()
        self.world.cargo(flags=EXPLAIN, env={"GIT_HASH": "abc"})
        variable = self.world.call(HEARTH, "diff", "--store", self.world.store).stdout

        self.assertIn("lib0: lib0/src/part.rs changed", sources)
        self.assertIn("lib1: lib1/src/lib.rs changed", sources)
        self.assertIn("lib0: env!(GIT_HASH) changed", variable)

    def test_follows_a_change_through_the_crates_above(self):
        self.world.rust_project(3)
        self.world.write("lib1/Cargo.toml", '[package]\nname = "lib1"\nversion = "0.1.0"\nedition = "2021"\n'
                                            '[dependencies]\nlib0 = { path = "../lib0" }\n')
        self.world.write("lib1/src/lib.rs", "pub fn lib1() -> u32 { lib0::lib0() }\n")
        self.world.cargo(flags=EXPLAIN)
        self.world.clean()
        self.world.write("lib0/src/lib.rs", "pub fn lib0() -> u32 { 77 }\n")
        self.world.cargo(flags=EXPLAIN)

        difference = self.diff()
        why = self.world.call(HEARTH, "why", "--store", self.world.store, "lib1").stdout

        changed = {key["name"]: key["because"] for key in difference["changed"]}
        self.assertEqual(changed, {"lib0": "", "lib1": "lib0"}, difference)
        self.assertEqual(difference["same"], 1, difference)
        self.assertIn("changed: lib1: because lib0 changed", why)

    def test_why_denies_nothing_that_changed_around_the_build(self):
        self.world.rust_project(1)
        self.world.cargo(flags=EXPLAIN, env={"RUSTFLAGS": "--cfg b1"})
        self.world.clean()
        self.world.cargo(flags=EXPLAIN, env={"RUSTFLAGS": "--cfg b2"})

        why = self.world.call(HEARTH, "why", "--store", self.world.store, "lib0").stdout

        self.assertIn("changed: lib0: ", why)
        self.assertIn("around the build: RUSTFLAGS: --cfg b1 -> --cfg b2\n", why)
        self.assertNotIn("Nothing changed", why)

    def test_without_keys_compares_what_is_around(self):
        self.world.c_project(1)
        self.world.run(*MAKE, env={"SDKROOT": "/one"})
        self.world.clean()
        self.world.run(*MAKE, env={"SDKROOT": "/two"})

        difference = self.diff()

        self.assertFalse(difference["has_keys"])
        self.assertIn({"what": "SDKROOT", "then": "/one", "now": "/two"}, difference["around"])

    def test_a_running_agent_is_asked_too(self):
        control, ready = self.world.folder / "control", self.world.folder / "ready"
        agent = subprocess.Popen([HEARTH, "agent", "--listen", "127.0.0.1:0", "--store", self.world.store, "--mode", "off",
                                  "--backend", "none", "--tag", "t", "--control", control, "--ready-file", ready,
                                  "--min-free-space", "0"], env=self.world.environment, stderr=subprocess.DEVNULL)
        self.addCleanup(agent.wait, 30)
        self.addCleanup(agent.terminate)
        deadline = time.monotonic() + 20
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

        said = self.world.doctor("--control", str(control))

        self.assertEqual([verdict["rule"] for verdict in said["verdicts"]], ["cache-off"])

    def test_knows_nothing_of_what_never_was(self):
        self.world.c_project(1)
        self.world.run(*MAKE)
        ended = self.world.call(HEARTH, "why", "--store", self.world.store, "never.o", check=False)

        self.assertEqual(ended.returncode, 3, ended.stderr)

    def test_tells_the_name_that_may_be_meant(self):
        self.world.c_project(2)
        self.world.run(*MAKE, flags=EXPLAIN)
        ended = self.world.call(HEARTH, "why", "--store", self.world.store, "a1.c", check=False)

        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn("no recorded run knows a1.c; there is a1.o\n", ended.stderr)


if __name__ == "__main__":
    unittest.main()
