"""One case's machine: a folder with projects, a store and a backend, builds through `hearth run` or through the real
sccache alone, and what `hearth doctor` says of it. Not a test itself."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from tests.doctor.storage import Storage
from tests.e2e import tools

BUILD = pathlib.Path(os.environ["HEARTH_BUILD_DIR"])
HEARTH = BUILD / "bin" / "hearth"
FOREIGN = ("SCCACHE_", "CARGO_", "HEARTH_", "ACTIONS_", "RUSTC", "RUSTFLAGS", "CMAKE_", "MOON_")
MAKE = ("make", "-s", "-j2", "CC=sccache cc")


def clean_environment() -> dict[str, str]:
    """This process's, without what would change keys, choose a storage or come between sccache and it."""
    left_out = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "cflags", "cxxflags", "makeflags", "cc", "cxx")
    return {name: value for name, value in os.environ.items()
            if not name.startswith(FOREIGN) and name.lower() not in left_out}


class World:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hd-"))
        self.project = self.folder / "project"
        self.project.mkdir()
        self.store = self.folder / "store"
        self.backend = f"disk://{self.folder}/backend"
        self.sccache = tools.sccache()
        self.environment = {**clean_environment(), "HEARTH_SCCACHE": str(self.sccache),
                            "XDG_CACHE_HOME": str(self.folder / "cache"),
                            "PATH": f"{tools.rust()}:{self.sccache.parent}:{os.environ['PATH']}"}
        self.storages: list[Storage] = []
        self.servers: list[dict[str, str]] = []

    def close(self) -> None:
        for environment in self.servers:
            self.call(self.sccache, "--stop-server", env=environment, check=False)
        for storage in self.storages:
            storage.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- projects ---------------------------------------------------------------

    def write(self, name: str, text: str, folder: pathlib.Path | None = None) -> pathlib.Path:
        path = (folder or self.project) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def c_project(self, count: int = 4, text: str = "int f{n}(void) {{ return {n}; }}\n",
                  folder: pathlib.Path | None = None) -> None:
        for n in range(count):
            self.write(f"a{n}.c", text.format(n=n), folder)
        objects = " ".join(f"a{n}.o" for n in range(count))
        self.write("Makefile", f"all: {objects}\n%.o: %.c\n\t$(CC) $(CFLAGS) -c $< -o $@\n", folder)

    def cmake_project(self, *flags: str, count: int = 3) -> None:
        for n in range(count):
            self.write(f"a{n}.c", f"int f{n}(void) {{ return {n}; }}\n")
        sources = " ".join(f"a{n}.c" for n in range(count))
        self.write("CMakeLists.txt", f"cmake_minimum_required(VERSION 3.20)\nproject(p C)\nadd_library(p {sources})\n")
        self.call("cmake", "-S", ".", "-B", "build", *flags)

    def rust_project(self, libraries: int = 3, programs: int = 0, folder: pathlib.Path | None = None,
                     manifest: str = "") -> None:
        names = [f"lib{n}" for n in range(libraries)] + [f"bin{n}" for n in range(programs)]
        self.write("Cargo.toml", f'[workspace]\nresolver = "2"\nmembers = {json.dumps(names)}\n{manifest}', folder)
        for name in names:
            self.write(f"{name}/Cargo.toml", f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n', folder)
            program = name.startswith("bin")
            self.write(f"{name}/src/{'main' if program else 'lib'}.rs",
                       "fn main() {}\n" if program else f"pub fn {name}() -> u32 {{ {len(name)} }}\n", folder)

    def clean(self) -> None:
        """Removes what a build made."""
        for path in self.project.rglob("*.o"):
            path.unlink()
        shutil.rmtree(self.project / "target", ignore_errors=True)

    # --- builds -----------------------------------------------------------------

    def call(self, *command, env: dict[str, str] | None = None, cwd: pathlib.Path | None = None, check: bool = True,
             timeout: float = 90) -> subprocess.CompletedProcess:
        given = {**self.environment, **(env or {})}  # an empty value takes a variable away
        done = subprocess.run([str(word) for word in command], env={name: value for name, value in given.items() if value},
                              cwd=cwd or self.project, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def run(self, *command, flags: tuple[str, ...] = (), env: dict[str, str] | None = None,
            cwd: pathlib.Path | None = None, check: bool = True, tag: str = "case") -> subprocess.CompletedProcess:
        """`hearth run -- command` with this world's store and backend, unless `flags` name others."""
        named = {flag for flag in flags if flag.startswith("--")}
        usual = {"--store": str(self.store), "--backend": self.backend, "--tag": tag, "--min-free-space": "0"}
        given = [word for name, value in usual.items() if name not in named for word in (name, value)]
        return self.call(HEARTH, "run", *given, *flags, "--", *command, env=env, cwd=cwd, check=check)

    def cargo(self, *, env: dict[str, str] | None = None, flags: tuple[str, ...] = (),
              cwd: pathlib.Path | None = None, check: bool = True) -> subprocess.CompletedProcess:
        return self.run("cargo", "build", "--offline", "--quiet", "-j2", flags=flags, env=env, cwd=cwd, check=check)

    # --- sccache alone ----------------------------------------------------------

    def storage(self, **statuses: int) -> Storage:
        self.storages.append(Storage(**statuses))
        return self.storages[-1]

    def server(self, start: bool = True, **variables: str) -> dict[str, str]:
        """The environment of a server of this world's own, started with `variables`."""
        name = f"s{len(self.servers)}"
        environment = {"SCCACHE_SERVER_UDS": str(self.folder / f"{name}.sock"), "SCCACHE_IDLE_TIMEOUT": "0",
                       "SCCACHE_ERROR_LOG": str(self.folder / f"{name}.log"), "SCCACHE_CONF": "/dev/null",
                       "RUSTC_WRAPPER": "sccache", **variables}
        self.servers.append(environment)
        if start:
            # SCCACHE_LOG would make every client write to the build's output too.
            self.call(self.sccache, "--start-server", env={**environment, "SCCACHE_LOG": "warn"}, check=False)
        return environment

    def compile(self, environment: dict[str, str], check: bool = True) -> None:
        self.call(*MAKE, env=environment, check=check)

    def kill_server(self, environment: dict[str, str]) -> None:
        wanted = f"SCCACHE_SERVER_UDS={environment['SCCACHE_SERVER_UDS']}".encode()
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (entry / "environ").read_bytes().split(b"\0")
                if wanted in variables and b"SCCACHE_START_SERVER=1" in variables:
                    os.kill(int(entry.name), signal.SIGKILL)

    # --- the doctor -------------------------------------------------------------

    def doctor(self, *flags: str, env: dict[str, str] | None = None, cwd: pathlib.Path | None = None) -> dict:
        where = () if {"--here", "--stats", "--log", "--control"} & set(flags) else ("--store", str(self.store))
        return json.loads(self.call(HEARTH, "doctor", "--json", *where, *flags, env=env, cwd=cwd).stdout)

    def here(self, environment: dict[str, str] | None = None) -> dict:
        return self.doctor("--here", env=environment)
