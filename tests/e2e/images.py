"""Docker for the end-to-end tests: a running daemon and the base image.

`python3 -m tests.e2e.images` starts dockerd if none answers and makes sure
that `debian:bookworm-slim` exists. Where the registry of Docker images cannot
be reached, the image is built from Debian's packages with debootstrap; which
mirrors, certificates and proxies it uses is read from this machine, so that a
container reaches what its host reaches. Everything here can be repeated and
is safe to call from several processes at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

BASE_IMAGE = "debian:bookworm-slim"
SUITE = "bookworm"
DEFAULT_MIRROR = "http://deb.debian.org/debian"
CONTAINER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROXY_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")
DOCKERD_START_SECONDS = 40
PULL_SECONDS = 120


def log(text: str) -> None:
    print(f"[images] {text}", file=sys.stderr, flush=True)


def quiet(*command: str, timeout: float | None = None) -> bool:
    """Runs a command for its exit code only."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextlib.contextmanager
def machine_lock(name: str):
    """One at a time of this user on this machine: the daemon and its images are shared."""
    path = pathlib.Path(tempfile.gettempdir()) / f"hearth-e2e-{os.getuid()}-{name}.lock"
    with open(path, "a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install_packages(*packages: str) -> None:
    """Installs Debian packages; the caller checked that they are missing."""
    log(f"installing {' '.join(packages)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    options = {"env": environment, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    if subprocess.run(command, stderr=subprocess.DEVNULL, check=False, **options).returncode == 0:
        return
    subprocess.run(["apt-get", "update", "-q"], check=True, **options)  # lists too old or absent
    subprocess.run(command, check=True, **options)


# --- daemon -----------------------------------------------------------------

def docker_answers() -> bool:
    return quiet("docker", "version", "--format", "{{.Server.Version}}", timeout=20)


def wait_for_docker(seconds: float, process: subprocess.Popen | None = None) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if docker_answers():
            return True
        if process is not None and process.poll() is not None:
            return False
        time.sleep(0.5)
    return False


def ensure_docker(data_root: str | None = None) -> None:
    """Returns once a daemon answers; starts one that outlives this process."""
    if shutil.which("docker") and docker_answers():
        return
    with machine_lock("docker"):
        if not shutil.which("dockerd", path=search_path()) or not shutil.which("docker"):
            install_packages("docker.io", "iptables")
        if docker_answers():
            return
        data_root = data_root or os.environ.get("HEARTH_DOCKER_DATA_ROOT")
        for driver in ("overlay2", "vfs"):
            log(f"starting dockerd ({driver})")
            if wait_for_docker(DOCKERD_START_SECONDS, start_dockerd(driver, data_root)):
                return
        raise RuntimeError(f"dockerd does not start; see {dockerd_log()}:\n{log_tail()}")


def search_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def dockerd_log() -> pathlib.Path:
    return pathlib.Path(tempfile.gettempdir()) / "hearth-e2e-dockerd.log"


def log_tail() -> str:
    with contextlib.suppress(OSError):
        return "\n".join(dockerd_log().read_text(errors="replace").splitlines()[-20:])
    return "(no log)"


def start_dockerd(driver: str, data_root: str | None) -> subprocess.Popen:
    command = [shutil.which("dockerd", path=search_path()) or "dockerd",
               "--storage-driver", driver, "--log-level", "warn"]
    if data_root:
        command += ["--data-root", data_root]
    with open(dockerd_log(), "ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                start_new_session=True, env=dict(os.environ, PATH=search_path()))


# --- what this machine uses to reach its package mirrors ----------------------

def debian_stanzas() -> list[dict[str, str]]:
    """The machine's apt sources for our suite, as deb822 fields."""
    folder = pathlib.Path("/etc/apt")
    found: list[dict[str, str]] = []
    for path in sorted(folder.glob("sources.list.d/*.sources")):
        found += [s for s in map(parse_stanza, re.split(r"\n\s*\n", path.read_text()))
                  if is_ours(s)]
    for path in [folder / "sources.list", *sorted(folder.glob("sources.list.d/*.list"))]:
        if path.exists():
            found += [s for s in map(parse_line, path.read_text().splitlines()) if is_ours(s)]
    if not found:
        found = [{"Types": "deb", "URIs": DEFAULT_MIRROR, "Suites": SUITE, "Components": "main"}]
    return found


def parse_stanza(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace() and name:
            fields[name] += "\n" + line
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def parse_line(text: str) -> dict[str, str]:
    match = re.match(r"\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)", text)
    if not match:
        return {}
    options, uri, suite, components = match.groups()
    fields = {"Types": "deb", "URIs": uri, "Suites": suite, "Components": components.strip()}
    signed = re.search(r"signed-by=(\S+?)[\s\]]", options or "")
    if signed:
        fields["Signed-By"] = signed.group(1)
    return fields


def is_ours(fields: dict[str, str]) -> bool:
    suites = fields.get("Suites", "").split()
    return bool(suites) and all(s == SUITE or s.startswith(f"{SUITE}-") for s in suites)


def sources_text(types: str = "deb") -> str:
    """The machine's sources as one deb822 file, with `types` for its Types."""
    stanzas = []
    for fields in debian_stanzas():
        fields = dict(fields, Types=types)
        stanzas.append("".join(f"{name}: {value}\n" for name, value in fields.items()))
    return "\n".join(stanzas)


def proxy_environment() -> dict[str, str]:
    names = [*PROXY_VARIABLES, *(name.upper() for name in PROXY_VARIABLES)]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


# --- base image -----------------------------------------------------------------

def image_exists(tag: str) -> bool:
    return quiet("docker", "image", "inspect", tag)


def ensure_base_image() -> None:
    ensure_docker()
    if image_exists(BASE_IMAGE):
        return
    with machine_lock("base-image"):
        if image_exists(BASE_IMAGE):
            return
        log(f"pulling {BASE_IMAGE}")
        if quiet("docker", "pull", "-q", BASE_IMAGE, timeout=PULL_SECONDS):
            return
        log("no registry of images here: building it from packages")
        bootstrap()


def bootstrap() -> None:
    if not shutil.which("debootstrap", path=search_path()):
        install_packages("debootstrap")
    mirror = next(f["URIs"].split()[0] for f in debian_stanzas())
    with tempfile.TemporaryDirectory(prefix="hearth-base-") as name:
        root = pathlib.Path(name) / "root"
        command = [shutil.which("debootstrap", path=search_path()) or "debootstrap",
                   "--variant=minbase", "--include=ca-certificates", SUITE, str(root), mirror]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace",
                              env=dict(os.environ, PATH=search_path()), check=False)
        if done.returncode != 0:
            raise RuntimeError(f"debootstrap failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        adopt_machine_settings(root)
        slim(root)
        import_tree(root)


def adopt_machine_settings(root: pathlib.Path) -> None:
    certificates = root / "usr/local/share/ca-certificates"
    certificates.mkdir(parents=True, exist_ok=True)
    for path in pathlib.Path("/usr/local/share/ca-certificates").glob("*.crt"):
        shutil.copy(path, certificates)
    subprocess.run(["chroot", str(root), "update-ca-certificates"], check=True,
                   capture_output=True, env={"PATH": CONTAINER_PATH})
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    text = sources_text()
    (root / "etc/apt/sources.list.d/machine.sources").write_text(text)
    for keyring in set(re.findall(r"Signed-By:\s*(/\S+)", text)):
        target = root / keyring.lstrip("/")
        if os.path.exists(keyring) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(keyring, target)
    for path in pathlib.Path("/etc/apt/apt.conf.d").iterdir():
        settings = path.read_text(errors="replace")
        # Hooks name programs of this machine; plain settings travel.
        if "Acquire" in settings and "Invoke" not in settings:
            shutil.copy(path, root / "etc/apt/apt.conf.d")
    (root / "etc/apt/apt.conf.d/docker-clean").write_text(
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n')
    if os.path.exists("/etc/pip.conf"):
        shutil.copy("/etc/pip.conf", root / "etc/pip.conf")


def slim(root: pathlib.Path) -> None:
    """Leaves out what the official slim image leaves out."""
    doomed = ["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale",
              "usr/share/lintian", "var/cache/apt/archives", "var/lib/apt/lists"]
    for relative in doomed:
        folder = root / relative
        for child in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    (root / "etc/dpkg/dpkg.cfg.d/docker").write_text(
        "".join(f"path-exclude /{relative}/*\n" for relative in doomed[:5])
        + "path-include /usr/share/doc/*/copyright\n")


def import_tree(root: pathlib.Path) -> None:
    changes = ["-c", f"ENV PATH={CONTAINER_PATH}", "-c", 'CMD ["bash"]']
    with subprocess.Popen(["tar", "-C", str(root), "--numeric-owner", "-c", "."],
                          stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "import", *changes, "-", BASE_IMAGE], stdin=tar.stdout,
                       check=True, stdout=subprocess.DEVNULL)
    if tar.returncode != 0:
        raise RuntimeError("tar failed while importing the base image")


def build(context: str | os.PathLike, tag: str, *, dockerfile: str | None = None,
          target: str | None = None, timeout: float = 2400) -> str:
    """Builds an image with the classic builder; returns its output."""
    command = ["docker", "build", "--force-rm", "-t", tag]
    for name in proxy_environment():
        command += ["--build-arg", name]
    if dockerfile:
        command += ["-f", dockerfile]
    if target:
        command += ["--target", target]
    done = subprocess.run([*command, os.fspath(context)], capture_output=True, text=True,
                          errors="replace", timeout=timeout, check=False,
                          env=dict(os.environ, DOCKER_BUILDKIT="0"))
    if done.returncode != 0:
        raise RuntimeError(f"docker build of {context} failed:\n{done.stdout[-6000:]}"
                           f"{done.stderr[-4000:]}")
    return done.stdout


if __name__ == "__main__":
    ensure_base_image()
    log(f"{BASE_IMAGE} is there")
