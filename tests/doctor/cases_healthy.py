"""Runs in which nothing is wrong. Not a test itself."""

from __future__ import annotations

import shutil

from tests.doctor.registry import healthy, two_cargo_runs, two_runs
from tests.doctor.world import MAKE


@healthy
def c_again(world):
    world.c_project()
    return two_runs(world, {}, {})


@healthy
def rust_again(world):
    return two_cargo_runs(world, {}, {})


@healthy
def rust_with_a_program(world):
    world.rust_project(libraries=5, programs=1)
    world.cargo()
    world.clean()
    world.cargo()
    return world.doctor()


@healthy
def cmake_again(world):
    launcher = ("-DCMAKE_C_COMPILER_LAUNCHER=sccache",)
    world.cmake_project(*launcher)
    world.run("cmake", "--build", "build")
    shutil.rmtree(world.project / "build")
    world.cmake_project(*launcher)
    world.run("cmake", "--build", "build")
    return world.doctor()


@healthy
def c_in_another_folder(world):
    for name in ("one", "two"):
        folder = world.folder / name
        world.c_project(folder=folder)
        world.run(*MAKE, cwd=folder)
    return world.doctor()


@healthy
def disk_mode_again(world):
    world.c_project()
    for _ in range(2):
        world.clean()
        world.run(*MAKE, flags=("--sccache-mode", "disk"))
    return world.doctor()


@healthy
def a_read_only_run_of_a_full_tag(world):
    world.c_project()
    world.run(*MAKE)
    world.clean()
    world.run(*MAKE, flags=("--mode", "read-only"))
    return world.doctor()


@healthy
def one_source_of_many_changed(world):
    world.c_project(8)
    world.run(*MAKE)
    world.clean()
    world.write("a0.c", "int other(void) { return 1; }\n")
    world.run(*MAKE)
    return world.doctor()


@healthy
def a_source_that_names_the_time_and_is_warm(world):
    world.c_project(8)
    world.write("unused.c", "const char *t = __TIME__;\n")
    return two_runs(world, {}, {})


@healthy
def sccache_alone_on_its_disk(world):
    world.c_project()
    environment = world.server(SCCACHE_DIR=str(world.folder / "d"))
    for _ in range(6):
        world.clean()
        world.compile(environment)
    return world.here(environment)


@healthy
def sccache_alone_over_webdav(world):
    world.c_project()
    environment = world.server(SCCACHE_WEBDAV_ENDPOINT=world.storage().endpoint)
    for _ in range(6):
        world.clean()
        world.compile(environment)
    return world.here(environment)


@healthy
def an_empty_folder(world):
    return world.here()


@healthy
def a_command_that_builds_nothing_over_a_warm_target(world):
    world.rust_project(5)
    world.cargo()
    world.run("true")
    return world.doctor()


@healthy
def a_program_that_is_not_there(world):
    world.rust_project(5)
    world.cargo()
    world.run("no-such-program", check=False)
    return world.doctor()


@healthy
def a_source_that_does_not_compile(world):
    world.rust_project(1)
    world.write("lib0/src/lib.rs", "pub fn lib0( {\n")
    world.cargo(check=False)
    return world.doctor()


@healthy
def another_command_beside_a_stale_build_folder(world):
    world.cmake_project()
    world.call("cmake", "--build", "build")
    world.run("true")
    return world.doctor()
