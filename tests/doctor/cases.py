"""The failures, each made with the real sccache, and the runs in which nothing is wrong. A case is a function of a
World that returns what the doctor says; the table tells which rule must come first. Not a test itself."""

from __future__ import annotations

import shutil
from typing import Callable

from tests.doctor.world import HEARTH, MAKE, World

FAILURES: list[tuple[str, str, Callable[[World], dict]]] = []  # name, rule, case
HEALTHY: list[tuple[str, Callable[[World], dict]]] = []

LOSING_SERVER = """
import os, pathlib, signal, subprocess, sys
subprocess.run(["sccache", "cc", "-c", "a0.c", "-o", "a0.o"], check=True)
socket = os.environ["SCCACHE_SERVER_UDS"].encode()
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        variables = (entry / "environ").read_bytes().split(b"\\0")
    except OSError:
        continue
    if b"SCCACHE_SERVER_UDS=" + socket in variables and b"SCCACHE_START_SERVER=1" in variables:
        os.kill(int(entry.name), signal.SIGKILL)
for name in ("a1", "a2", "a3"):
    subprocess.run(["sccache", "cc", "-c", name + ".c", "-o", name + ".o"], check=True)
"""


def failure(rule: str):
    def keep(case: Callable[[World], dict]):
        FAILURES.append((case.__name__, rule, case))
        return case
    return keep


def healthy(case: Callable[[World], dict]):
    HEALTHY.append((case.__name__, case))
    return case


def two_runs(world: World, first: dict[str, str], second: dict[str, str]) -> dict:
    world.run(*MAKE, env=first)
    world.clean()
    world.run(*MAKE, env=second)
    return world.doctor()


def two_cargo_runs(world: World, first: dict[str, str], second: dict[str, str]) -> dict:
    world.rust_project()
    world.cargo(env=first)
    world.clean()
    world.cargo(env=second)
    return world.doctor()


# --- A: sccache was not asked ---------------------------------------------------------

@failure("wrapper-missing")
def make_without_sccache(world):
    world.c_project()
    world.run("make", "-s", "CC=cc")
    return world.doctor()


@failure("wrapper-missing")
def cargo_without_wrapper(world):
    world.rust_project(1)
    world.call("cargo", "build", "--offline", "--quiet")
    shutil.rmtree(world.project / "target")
    return world.here(world.server(RUSTC_WRAPPER="", SCCACHE_DIR=str(world.folder / "d")))


@failure("wrapper-missing")
def cargo_that_lost_the_wrapper(world):
    world.rust_project(1)
    world.run("env", "-u", "RUSTC_WRAPPER", "cargo", "check", "--offline", "--quiet")
    shutil.rmtree(world.project / "target")
    return world.doctor()


@failure("configured-before")
def cmake_configured_before(world):
    world.cmake_project()
    world.run("cmake", "--build", "build")
    return world.doctor()


@failure("wrapper-replaced")
def cmake_with_another_launcher(world):
    world.write("other", "#!/bin/sh\nexec \"$@\"\n").chmod(0o755)
    world.cmake_project(f"-DCMAKE_C_COMPILER_LAUNCHER={world.project}/other")
    world.run("cmake", "--build", "build")
    return world.doctor()


@failure("wrapper-replaced")
def cargo_with_another_wrapper(world):
    wrapper = world.write("other", "#!/bin/sh\nexec \"$@\"\n")
    wrapper.chmod(0o755)
    world.rust_project(1)
    world.write(".cargo/config.toml", f'[build]\nrustc-wrapper = "{wrapper}"\n')
    return world.here(world.server(RUSTC_WRAPPER="", SCCACHE_DIR=str(world.folder / "d")))


@failure("warm-target")
def target_folder_of_a_restored_cache(world):
    world.rust_project(5)
    world.cargo()
    world.cargo()
    return world.doctor()


@failure("incremental")
def incremental_by_the_environment(world):
    world.rust_project(2)
    world.run("env", "CARGO_INCREMENTAL=1", "cargo", "build", "--offline", "--quiet")
    return world.doctor()


@failure("incremental")
def incremental_by_a_flag(world):
    world.rust_project(2)
    flags = {"RUSTFLAGS": f"-C incremental={world.folder}/inc"}
    world.cargo(env=flags)
    return world.doctor()


@failure("server-died")
def server_killed_in_the_middle(world):
    world.c_project()
    world.write("build.py", LOSING_SERVER)
    world.run("python3", "build.py")
    return world.doctor()


@failure("server-not-running")
def server_gone(world):
    world.c_project()
    environment = world.server(SCCACHE_DIR=str(world.folder / "d"))
    world.compile(environment)
    world.kill_server(environment)
    return world.here(environment)


@failure("foreign-server")
def server_of_another_environment(world):
    world.c_project()
    environment = world.server(SCCACHE_DIR=str(world.folder / "d"))
    environment = {**environment, "SCCACHE_DIR": "", "SCCACHE_WEBDAV_ENDPOINT": world.storage().endpoint}
    world.compile(environment)
    return world.here(environment)


@failure("foreign-server")
def second_server_on_the_port(world):
    world.c_project()
    first = world.server(SCCACHE_SERVER_UDS="", SCCACHE_SERVER_PORT="14226", SCCACHE_DIR=str(world.folder / "d"))
    environment = {**first, "SCCACHE_DIR": "", "SCCACHE_WEBDAV_ENDPOINT": world.storage().endpoint}
    world.compile(environment)
    return world.here(environment)


@failure("backend-precedence")
def a_bucket_beats_webdav(world):
    world.c_project()
    environment = world.server(start=False, SCCACHE_BUCKET="left-over", SCCACHE_REGION="eu-west-1",
                               SCCACHE_ENDPOINT=world.storage().endpoint.removesuffix("/cache"),
                               SCCACHE_S3_NO_CREDENTIALS="true",
                               SCCACHE_WEBDAV_ENDPOINT=world.storage().endpoint)
    world.call(world.sccache, "--start-server", env=environment, check=False)
    return world.here(environment)


@failure("proxy-catches-loopback")
def a_proxy_for_everything(world):
    world.c_project()
    environment = world.server(http_proxy="http://127.0.0.1:9", SCCACHE_WEBDAV_ENDPOINT=world.storage().endpoint)
    return world.here(environment)


@failure("server-start-failed")
def sccache_that_cannot_serve(world):
    broken = world.write("bin/sccache", f'#!/bin/sh\n[ -n "$SCCACHE_START_SERVER" ] && exit 1\nexec {world.sccache} "$@"\n',
                         world.folder)
    broken.chmod(0o755)
    world.c_project(2)
    world.run(*MAKE, env={"HEARTH_SCCACHE": str(broken)})
    return world.doctor()


# --- B: it cannot write or read back ---------------------------------------------------

def with_storage(world, variables: dict[str, str] | None = None, **statuses: int) -> dict:
    world.c_project()
    environment = world.server(SCCACHE_WEBDAV_ENDPOINT=world.storage(**statuses).endpoint, **(variables or {}))
    world.compile(environment, check=False)
    return world.here(environment)


@failure("propfind-refused")
def propfind_answered_405(world):
    return with_storage(world, PROPFIND=405, probe_PROPFIND=405)


@failure("storage-read-only")
def probe_write_forbidden(world):
    return with_storage(world, probe_PUT=403)


@failure("probe-rate-limited")
def one_429_at_the_start(world):
    return with_storage(world, probe_PUT=429)


@failure("start-failed")
def probe_read_forbidden(world):
    return with_storage(world, probe_GET=403)


@failure("start-failed")
def probe_read_limited(world):
    return with_storage(world, probe_GET=429)


@failure("start-failed")
def probe_read_broken(world):
    return with_storage(world, probe_GET=500)


@failure("read-only-setting")
def read_only_by_a_variable(world):
    return with_storage(world, {"SCCACHE_WEBDAV_RW_MODE": "READ_ONLY"})


@failure("rate-limited")
def writes_answered_429(world):
    return with_storage(world, PUT=429)


@failure("writes-fail")
def writes_answered_500(world):
    return with_storage(world, PUT=500)


@failure("reads-fail")
def reads_answered_403(world):
    return with_storage(world, GET=403)


@failure("github-token-missing")
def github_cache_without_token(world):
    world.c_project()
    environment = world.server(SCCACHE_GHA_ENABLED="true")
    return world.here(environment)


@failure("github-version-mismatch")
def github_cache_by_the_old_protocol(world):
    world.c_project()
    url = world.storage().endpoint.removesuffix("cache")
    environment = world.server(SCCACHE_GHA_ENABLED="true", ACTIONS_RESULTS_URL=url, ACTIONS_RUNTIME_TOKEN="x.y.z")
    world.compile(environment, check=False)
    return world.here(environment)


@failure("backend-unusable")
def backend_below_a_file(world):
    world.c_project()
    (world.folder / "file").write_text("in the way")
    world.run(*MAKE, flags=("--backend", f"disk://{world.folder}/file/below"))
    return world.doctor()


@failure("not-published")
def backend_gone_before_the_end(world):
    world.c_project()
    place = world.folder / "backend"
    world.run("sh", "-c", f'"$@" && rm -rf {place} && touch {place}', "sh", *MAKE, flags=("--drain-deadline", "2s"))
    return world.doctor()


@failure("storage-lost")
def storage_wiped_between_runs(world):
    world.c_project()
    world.run(*MAKE)
    world.clean()
    shutil.rmtree(world.folder / "backend")
    runs = world.folder / "runs"
    shutil.move(world.store / "runs", runs)
    shutil.rmtree(world.store)
    world.store.mkdir()
    shutil.move(runs, world.store / "runs")
    world.run(*MAKE)
    return world.doctor()


@failure("job-read-only")
def every_run_read_only(world):
    world.c_project()
    for _ in range(2):
        world.clean()
        shutil.rmtree(world.store, ignore_errors=True)
        world.run(*MAKE, flags=("--mode", "read-only"))
    return world.doctor()


@failure("cache-off")
def cache_switched_off(world):
    world.c_project()
    world.run(*MAKE, flags=("--mode", "off"))
    return world.doctor()


@failure("tag-changed")
def another_tag(world):
    world.c_project()
    world.run(*MAKE, tag="one")
    world.clean()
    world.run(*MAKE, tag="two")
    return world.doctor()


@failure("run-scoped")
def a_tag_of_this_run_only(world):
    world.c_project()
    for run in ("1", "2"):
        world.clean()
        world.run(*MAKE, tag=f"case-run-{run}-1")
    return world.doctor()


@failure("backend-changed")
def another_backend(world):
    world.c_project()
    world.run(*MAKE)
    world.clean()
    (world.store / "runs").rename(world.folder / "runs")
    shutil.rmtree(world.store)
    world.store.mkdir()
    (world.folder / "runs").rename(world.store / "runs")
    world.run(*MAKE, flags=("--backend", f"disk://{world.folder}/elsewhere"))
    return world.doctor()


@failure("mode-changed")
def proxy_after_disk(world):
    world.c_project()
    world.run(*MAKE, flags=("--sccache-mode", "disk"))
    world.clean()
    world.run(*MAKE, flags=("--sccache-mode", "proxy"))
    return world.doctor()


@failure("no-backend")
def no_backend_at_all(world):
    world.c_project()
    world.run(*MAKE, flags=("--backend", "none"))
    return world.doctor()


# --- C: other keys than last time -------------------------------------------------------

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


# --- D: not cacheable -------------------------------------------------------------------

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


# --- E and settings ---------------------------------------------------------------------

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


# --- nothing is wrong --------------------------------------------------------------------

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


__all__ = ["FAILURES", "HEALTHY", "HEARTH"]
