"""Compilations that cannot be cached, what only looks bad, and settings without effect. Not a test itself."""

from __future__ import annotations

from tests.doctor.registry import failure, two_runs
from tests.doctor.world import MAKE


@failure("crate-type")
def only_programs(world):
    world.rust_project(libraries=1, programs=4)
    world.cargo()
    world.clean()
    world.cargo()
    return world.doctor()


@failure("uncacheable-flag")
def a_flag_that_cannot_be_cached(world):
    world.c_project()
    return two_runs(world, {"CFLAGS": "-save-temps"}, {"CFLAGS": "-save-temps"})


@failure("many-inputs")
def two_sources_in_one_call(world):
    world.c_project()
    world.run("sh", "-c", "sccache cc -c a0.c a1.c && sccache cc -c a2.c a3.c")
    return world.doctor()


@failure("preprocessing")
def preprocessing_only(world):
    world.c_project()
    world.run("sh", "-c", "for i in 0 1 2 3; do sccache cc -E a$i.c -o a$i.i || exit 1; done")
    return world.doctor()


@failure("response-file")
def arguments_in_a_file(world):
    world.c_project()
    world.write("flags", '-DNAME="a b" -O1\n')
    world.run("sh", "-c", "for i in 0 1 2 3; do sccache cc -c a$i.c -o a$i.o @flags || exit 1; done")
    return world.doctor()


@failure("unsupported-compiler")
def a_compiler_that_says_nothing(world):
    compiler = world.write("mycc", '#!/bin/sh\nfor a; do [ "$a" = -E ] && exit 1; done\nexec gcc "$@"\n')
    compiler.chmod(0o755)
    world.c_project(2)
    world.run("make", "-s", f"CC=sccache {compiler}")
    return world.doctor()


@failure("not-cacheable")
def sources_of_an_unknown_language(world):
    world.c_project()
    world.write("x.foo", "1\n")
    world.run("sh", "-c", "sccache cc -c x.foo; sccache cc -c x.foo", check=False)
    return world.doctor()





@failure("first-run")
def first_run(world):
    world.c_project()
    world.run(*MAKE)
    return world.doctor()


@failure("recache")
def recache_left_on(world):
    world.c_project()
    world.run(*MAKE)
    world.clean()
    world.run("env", "SCCACHE_RECACHE=1", *MAKE)
    return world.doctor()


@failure("dead-github-settings")
def dead_settings(world):
    world.c_project()
    return two_runs(world, {}, {"SCCACHE_GHA_CACHE_TO": "main"})


@failure("multiarch-without-arch")
def a_setting_for_several_architectures(world):
    world.c_project()
    return two_runs(world, {}, {"SCCACHE_CACHE_MULTIARCH": "1"})


@failure("no-cache")
def no_cache_left_on(world):
    world.c_project()
    environment = world.server(SCCACHE_DIR=str(world.folder / "d"), SCCACHE_NO_CACHE="1")
    world.compile(environment)
    return world.here(environment)


@failure("unknown-moon-mode")
def an_unknown_mode_of_moon(world):
    world.c_project()
    return two_runs(world, {}, {"MOON_CACHE": "read-only"})


@failure("double-caching")
def rust_cache_beside_us(world):
    world.c_project()
    world.write(".github/workflows/ci.yml", "on: push\njobs:\n  b:\n    steps:\n      - uses: OWNER/hearth@v1\n"
                                            "      - uses: Swatinem/rust-cache@v2\n")
    return two_runs(world, {}, {})
