"""Hearth itself, as the end-to-end tests meet it: the programs of this build,
the action's image, and jobs in a model of the runner."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
from typing import Any

from tests.e2e import images, inputs, tools
from tests.e2e.runner_model import JobResult, Runner, StepResult
from tests.e2e.runner_model.layout import tree_files

SOURCE = pathlib.Path(__file__).resolve().parents[2]
COMPILERS = "hearth-e2e-compilers:latest"
COMPILERS_FIXTURE = SOURCE / "tests" / "e2e" / "fixtures" / "compilers"
SUMMARY_JSON = "hearth/summary.json"
USES = "OWNER/hearth@v1"


def program(name: str) -> str:
    folder = os.environ.get("HEARTH_BIN_DIR") or str(tools.build_folder() / "bin")
    return str(pathlib.Path(folder) / name)


def image() -> str:
    """The action's image, built from this tree unless one of the same sources
    exists; HEARTH_E2E_IMAGE names another."""
    images.ensure_base_image()
    if os.environ.get("HEARTH_E2E_IMAGE"):
        return os.environ["HEARTH_E2E_IMAGE"]
    with images.machine_lock("product-image"), tempfile.TemporaryDirectory() as name:
        tag = f"hearth-e2e:{lay_context(pathlib.Path(name))}"
        if not images.image_exists(tag):
            images.log(f"building {tag} from the Dockerfile; this takes some minutes")
            images.build(name, tag)
    return tag


def lay_context(folder: pathlib.Path) -> str:
    """Copies what the Dockerfile may see; returns a digest of it."""
    ignore = (SOURCE / ".dockerignore").read_text().splitlines()
    wanted = tuple(line[1:] for line in ignore if line.startswith("!"))
    digest = hashlib.sha256()
    for name in tree_files(SOURCE):
        if name in ("Dockerfile", ".dockerignore") or any(
                name == w or name.startswith(w + "/") for w in wanted):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, target)
            digest.update(name.encode() + b"\0" + target.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def compilers_image() -> str:
    """What jobs in containers run in: compilers, and nothing of Hearth."""
    images.ensure_base_image()
    images.build(COMPILERS_FIXTURE, COMPILERS)
    return COMPILERS


def action_tree() -> pathlib.Path:
    """What a job downloads for `uses:` when the image is there already."""
    folder = tools.build_folder() / "action"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("action.yml", "Dockerfile"):
        shutil.copy(SOURCE / name, folder)
    return folder


def figures(result: JobResult) -> dict[str, Any]:
    """The figures of the job as the action left them for others to read."""
    if SUMMARY_JSON not in result.kept:
        raise AssertionError(f"the job left no {SUMMARY_JSON}:\n{result.log}")
    return json.loads(result.kept[SUMMARY_JSON])


def hearth_step(result: JobResult, stage: str = "main") -> StepResult:
    return result.step(USES, stage)


def workflow(*steps: str, head: str = "", inputs_of_action: str = "") -> str:
    """One job: checkout, Hearth, then `steps`, all in YAML's flow style."""
    given = f", with: {{{inputs_of_action}}}" if inputs_of_action else ""
    own = ["{uses: actions/checkout@v4}", f"{{id: hearth, uses: {USES}{given}}}", *steps]
    return ("on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n" + head + "    steps:\n"
            + "".join(f"      - {s}\n" for s in own))


CARGO = "{id: build, run: 'cargo build --offline --locked'}"
CMAKE = ("{id: build, run: 'cmake -S . -B build -DENABLE_TESTING=Off -DENABLE_PROGRAMS=Off "
         "&& cmake --build build -j2'}")


class ProductTest(unittest.TestCase):
    """Runs jobs in folders of its own; what is left behind fails the test."""

    @classmethod
    def setUpClass(cls):
        cls.image = image()
        cls.rust = str(tools.rust())

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-e2e-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.backend = self.folder / "backend"
        self.backend.mkdir()

    def runner(self, name: str = "runner", **settings: Any) -> Runner:
        """A fresh installation; always in the same place, because Rust's keys
        hold the paths that a job builds in."""
        settings.setdefault("repositories", {"OWNER/hearth": action_tree()})
        settings.setdefault("sources", inputs.ripgrep())
        runner = Runner(self.folder / name, image=self.image, path=[self.rust],
                        keep=(SUMMARY_JSON,), **settings)
        self.addCleanup(runner.remove)
        return runner

    def backend_input(self) -> str:
        return f"backend: 'disk://{self.backend}'"

    def assert_green(self, result: JobResult):
        self.assertEqual(result.conclusion, "success", result.log)

    def assert_clean(self, runner: Runner, but: tuple[str, ...] = ()):
        self.assertEqual(runner.leftovers(but=but), [])

    def assert_warm(self, result: JobResult, errors: int | None = 0):
        """Every cacheable compilation was answered by the cache. ccache counts no errors."""
        found = figures(result)
        self.assertGreater(found["hits"], 0, found)
        self.assertEqual(found["misses"], 0, f"{found}\n{result.log}")
        self.assertEqual(found["errors"], errors, found)

    def assert_cold(self, result: JobResult) -> int:
        """Nothing was cached, and everything compiled is published. Returns how
        many lookups there were; equal sources in one tree are hits even so."""
        found = figures(result)
        self.assertEqual(hearth_step(result).outputs["cache-hit"], "false")
        self.assertGreater(found["misses"], found["hits"], found)
        self.assertEqual(found["pending"], 0, found)
        self.assertEqual(found["published"], found["stores"], found)
        return found["hits"] + found["misses"]


def run_hearth(*arguments: str, **options: Any) -> subprocess.CompletedProcess:
    environment = {**os.environ, "HEARTH_SCCACHE": str(tools.sccache()),
                   **options.pop("env", {})}
    return subprocess.run([program("hearth"), *arguments], env=environment, text=True,
                          errors="replace", capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=options.pop("timeout", 600), check=False, **options)


if __name__ == "__main__":
    print(image())
