"""Failures in which sccache was not asked, or another server was. Not a test itself."""

from __future__ import annotations

import shutil

from tests.doctor.registry import failure
from tests.doctor.world import MAKE

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
    return world.doctor()


@failure("wrapper-missing")
def cargo_that_lost_the_wrapper_over_an_older_target(world):
    world.rust_project(5)
    world.cargo()
    world.run("env", "-u", "RUSTC_WRAPPER", "RUSTFLAGS=--cfg other", "cargo", "build", "--offline", "--quiet")
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


@failure("incremental")
def incremental_before_the_first_build(world):
    world.rust_project(2)
    return world.here(world.server(start=False, CARGO_INCREMENTAL="1"))


@failure("sccache-missing")
def no_sccache_on_the_path(world):
    world.rust_project(1)
    empty = world.folder / "empty"
    empty.mkdir()
    return world.here({"RUSTC_WRAPPER": "sccache", "PATH": str(empty), "HEARTH_SCCACHE": ""})


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
