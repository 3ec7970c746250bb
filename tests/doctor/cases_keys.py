"""Failures in which keys are others than last time. Not a test itself."""

from __future__ import annotations

import shutil

from tests.doctor.registry import failure, two_cargo_runs, two_runs
from tests.doctor.world import MAKE


@failure("cargo-home-per-run")
def a_cargo_home_per_run(world):
    return two_cargo_runs(world, {"CARGO_HOME": str(world.folder / "h1")}, {"CARGO_HOME": str(world.folder / "h2")})


@failure("cargo-variable-changed")
def a_cargo_variable(world):
    return two_cargo_runs(world, {"CARGO_TERM_COLOR": "never"}, {"CARGO_TERM_COLOR": "always"})


@failure("flags-changed")
def other_rustflags(world):
    return two_cargo_runs(world, {"RUSTFLAGS": "--cfg a"}, {"RUSTFLAGS": "--cfg b"})


@failure("flags-changed")
def a_definition_that_changes(world):
    world.c_project()
    return two_runs(world, {"CFLAGS": "-DBUILD_ID=20261121001"}, {"CFLAGS": "-DBUILD_ID=20261121002"})


@failure("argument-changed")
def a_definition_in_the_makefile(world):
    world.c_project()
    world.run(*MAKE, flags=("--explain",))
    world.clean()
    makefile = world.project / "Makefile"
    makefile.write_text(makefile.read_text().replace(" -c ", " -DREVISION=2 -c "))
    world.run(*MAKE, flags=("--explain",))
    return world.doctor()


@failure("file-changed")
def a_header_that_all_include(world):
    world.c_project(text='#include "revision.h"\nint f{n}(void) {{ return REVISION + {n}; }}\n')
    for revision in (1, 2):
        world.write("revision.h", f"#define REVISION {revision}\n")
        world.run(*MAKE, flags=("--explain",))
        world.clean()
    return world.doctor()


@failure("key-variable-changed")
def a_variable_of_c_keys(world):
    world.c_project()
    return two_runs(world, {"SDKROOT": "/opt/one"}, {"SDKROOT": "/opt/two"})


@failure("checkout-moved")
def a_checkout_elsewhere(world):
    for name in ("one", "two"):
        folder = world.folder / name
        world.rust_project(folder=folder)
        world.cargo(cwd=folder)
    return world.doctor()


@failure("toolchain-changed")
def another_compiler(world):
    compiler = world.write("mycc", '#!/bin/sh\nexec gcc "$@"\n', world.folder)
    compiler.chmod(0o755)
    world.c_project()
    make = ("make", "-s", f"CC=sccache {compiler}")
    world.run(*make, env={"CC": str(compiler)})
    world.clean()
    with compiler.open("a", encoding="utf-8") as file:
        file.write("# newer\n")
    world.run(*make, env={"CC": str(compiler)})
    return world.doctor()


@failure("tag-not-matching")
def other_keys_and_no_record_of_earlier_runs(world):
    world.c_project(6)
    world.run(*MAKE)
    world.clean()
    shutil.rmtree(world.store)
    world.c_project(6, text="int g{n}(void) {{ return {n} + 1; }}\n")
    world.run(*MAKE)
    return world.doctor()


@failure("prefix-map")
def a_prefix_map_of_a_moved_checkout(world):
    for name in ("one", "two"):
        folder = world.folder / name
        world.c_project(folder=folder)
        world.run(*MAKE, cwd=folder, env={"CFLAGS": f"-ffile-prefix-map={folder}=."})
    return world.doctor()


@failure("path-macro")
def absolute_paths_in_objects(world):
    for name in ("one", "two"):
        folder = world.folder / name
        world.c_project(2, 'const char *f{n}(void) {{ return __FILE__ "{n}"; }}\n', folder=folder)
        world.write("Makefile", "all: a0.o a1.o\n%.o: %.c\n\t$(CC) -c $(CURDIR)/$< -o $@\n", folder)
        world.run(*MAKE, cwd=folder)
    return world.doctor()


@failure("build-script-output")
def a_time_from_a_build_script(world):
    world.rust_project(3)
    world.write("lib0/build.rs", "fn main() { println!(\"cargo:rustc-env=STAMP={:?}\", "
                                 "std::time::SystemTime::now()); }\n")
    world.write("lib0/src/lib.rs", 'pub fn lib0() -> &\'static str { env!("STAMP") }\n')
    world.cargo()
    world.clean()
    world.cargo()
    return world.doctor()


@failure("clock-macro")
def the_time_in_a_source(world):
    world.c_project(2, 'const char *f{n}(void) {{ return __TIME__ "{n}"; }}\n')
    world.run(*MAKE)
    world.clean()
    world.run("sh", "-c", "sleep 1; exec \"$@\"", "sh", *MAKE)
    return world.doctor()


@failure("key-drift")
def sources_all_new(world):
    world.c_project()
    world.run(*MAKE)
    world.clean()
    world.c_project(text="int g{n}(void) {{ return {n} + 1; }}\n")
    world.run(*MAKE)
    return world.doctor()
