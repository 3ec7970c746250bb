"""Every workflow under examples/workflows, as it is written: each job twice on
one runner, with small projects. The second time everything is found."""

from __future__ import annotations

import pathlib
import unittest

from tests.e2e import product
from tests.e2e.product import ProductTest, figures, hearth_step
from tests.e2e.runner_model import Runner

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"
EXAMPLES = product.SOURCE / "examples" / "workflows"
# What each workflow builds; a new example needs a line here.
PROJECTS = {"rust-sccache.yml": "small-rust", "cpp-cmake-sccache.yml": "small-cpp",
            "matrix-release.yml": "small-rust"}


class Examples(ProductTest):
    def twice(self, name: str) -> Runner:
        runner = self.runner(sources=FIXTURES / PROJECTS[name])
        first = runner.run_all(EXAMPLES / name)
        second = runner.run_all(EXAMPLES / name)
        for cold, warm in zip(first, second):
            self.assert_green(cold)
            self.assert_cold(cold)
            self.assert_green(warm)
            self.assert_warm(warm)
        tags = {hearth_step(r).outputs["root-tag"] for r in first}
        self.assertEqual(len(tags), len(first), "every combination has a tag of its own")
        self.assertEqual(sum(figures(r)["published"] for r in second), 0)
        self.assert_clean(runner)
        return runner

    def test_every_example_is_tested(self):
        self.assertEqual({p.name for p in EXAMPLES.glob("*.yml")}, set(PROJECTS))

    def test_rust(self):
        self.twice("rust-sccache.yml")

    def test_cpp(self):
        self.twice("cpp-cmake-sccache.yml")

    def test_release_in_variants(self):
        runner = self.twice("matrix-release.yml")

        programs = runner.folder / "artifacts"
        self.assertTrue((programs / "programs-release" / "small").exists())
        self.assertTrue((programs / "programs-dev" / "small").exists())


if __name__ == "__main__":
    unittest.main()
