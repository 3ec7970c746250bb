"""What the end-to-end tests compile: ripgrep 15.2.0 with its dependencies
vendored (Rust), and mbed TLS 2.28 from Debian's source package (C).

Both are fetched once by their own package clients and kept in the build
folder, ready to be built without a network.
"""

from __future__ import annotations

import pathlib
import shutil
import tempfile

from tests.e2e import images
from tests.e2e.images import machine_lock
from tests.e2e.tools import build_folder, run

RIPGREP_VERSION = "15.2.0"
MBEDTLS_SERIES = "2.28."


def inputs_folder() -> pathlib.Path:
    folder = build_folder() / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ripgrep() -> pathlib.Path:
    """The tree of ripgrep; `cargo build --offline` works in it."""
    target = inputs_folder() / f"ripgrep-{RIPGREP_VERSION}"
    with machine_lock("ripgrep"):
        if target.exists():
            return target
        images.log(f"fetching ripgrep {RIPGREP_VERSION}")
        with tempfile.TemporaryDirectory(prefix="hearth-ripgrep-", dir=inputs_folder()) as name:
            tree = vendored_ripgrep(pathlib.Path(name))
            tree.rename(target)
    return target


def vendored_ripgrep(folder: pathlib.Path) -> pathlib.Path:
    """A program is no dependency that could be built, so the package is taken
    out of the vendored ones and gets its own, locked, dependencies."""
    fetcher = folder / "fetcher"
    fetcher.mkdir()
    run("cargo", "init", "-q", "--vcs", "none", "--name", "fetcher", cwd=fetcher)
    run("cargo", "add", "-q", f"ripgrep@={RIPGREP_VERSION}", cwd=fetcher)
    run("cargo", "vendor", "-q", cwd=fetcher)
    tree = folder / "ripgrep"
    shutil.move(fetcher / "vendor" / "ripgrep", tree)
    (tree / ".cargo-checksum.json").unlink()
    settings = run("cargo", "vendor", "--locked", cwd=tree)  # -q would leave them out
    (tree / ".cargo").mkdir(exist_ok=True)
    with open(tree / ".cargo" / "config.toml", "a", encoding="utf-8") as config:
        config.write("\n" + settings)  # the package has settings of its own
    return tree


def mbedtls() -> pathlib.Path:
    """The tree of mbed TLS; its CMake project builds without configuration."""
    target = inputs_folder() / "mbedtls-2.28"
    with machine_lock("mbedtls"):
        if target.exists():
            return target
        images.log("fetching the source package of mbed TLS")
        if not shutil.which("dpkg-source"):
            images.install_packages("dpkg-dev")
        with tempfile.TemporaryDirectory(prefix="hearth-mbedtls-", dir=inputs_folder()) as name:
            tree = debian_source(pathlib.Path(name), "mbedtls")
            if not tree.name.startswith(f"mbedtls-{MBEDTLS_SERIES}"):
                raise RuntimeError(f"expected mbedtls {MBEDTLS_SERIES}x, found {tree.name}")
            tree.rename(target)
    return target


def debian_source(folder: pathlib.Path, package: str) -> pathlib.Path:
    """Unpacks a source package, with package lists of its own: the machine's
    may have none of sources."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "machine.sources").write_text(images.sources_text("deb-src"))
    options = ["-o", f"Dir::Etc::SourceList={folder}/machine.sources",
               "-o", "Dir::Etc::SourceParts=/dev/null", "-o", f"Dir::State::Lists={folder}/lists",
               "-o", f"Dir::Cache={folder}/cache", "-o", "APT::Sandbox::User=root",
               "-o", "APT::Get::List-Cleanup=false"]
    run("apt-get", *options, "update", "-q")
    run("apt-get", *options, "source", "-q", package, cwd=folder)
    return next(p for p in folder.glob(f"{package}-*") if p.is_dir())




if __name__ == "__main__":
    print(ripgrep(), mbedtls(), sep="\n")
