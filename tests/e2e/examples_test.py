"""Every workflow under examples/workflows, as it is written: each job twice on
one runner, with small projects. The second time everything is found."""

from __future__ import annotations

import json
import pathlib
import shutil
import unittest
from typing import Any

from tests.agent import s3_service
from tests.agent.cache_server import CacheServer
from tests.e2e import product, tools
from tests.e2e.product import ProductTest, figures, hearth_step
from tests.e2e.runner_model import Runner
from tests.github.running import CacheService

FIXTURES = pathlib.Path(__file__).resolve().parent / "fixtures"
EXAMPLES = product.SOURCE / "examples" / "workflows"
# What each workflow builds; a new example needs a line here.
PROJECTS = {"rust-sccache.yml": "small-rust", "cpp-cmake-sccache.yml": "small-cpp",
            "matrix-release.yml": "small-rust", "s3-bucket.yml": "small-rust",
            "github-hosted.yml": "small-rust", "team-server.yml": "small-rust", "cpp-ccache.yml": "small-cpp"}
REPOSITORY = "acme/project"
BENCHMARK = "sccache-benchmark.yml"  # measures with the script of this repository, without the action
COMPILE_ALL = "for f in *.c; do sccache cc -c $f -o ${f%.c}.o || exit 1; done"


class Examples(ProductTest):
    def twice(self, name: str, errors: int | None = 0, **settings: Any) -> Runner:
        runner = self.runner(sources=FIXTURES / PROJECTS[name], **settings)
        first = runner.run_all(EXAMPLES / name)
        second = runner.run_all(EXAMPLES / name)
        for cold, warm in zip(first, second):
            self.assert_green(cold)
            self.assert_cold(cold)
            self.assert_green(warm)
            self.assert_warm(warm, errors)
        tags = {hearth_step(r).outputs["root-tag"] for r in first}
        self.assertEqual(len(tags), len(first), "every combination has a tag of its own")
        self.assertEqual(sum(figures(r)["published"] for r in second), 0)
        self.assert_clean(runner)
        return runner

    def test_every_example_is_tested(self):
        self.assertEqual({p.name for p in EXAMPLES.glob("*.yml")}, {*PROJECTS, BENCHMARK})

    def test_rust(self):
        self.twice("rust-sccache.yml")

    def test_cpp(self):
        self.twice("cpp-cmake-sccache.yml")

    def test_s3_bucket(self):
        with s3_service.s3_service(self.folder) as service:
            bucket = service.data / "build-cache"
            bucket.mkdir()
            runner = self.twice("s3-bucket.yml", secrets={
                "CACHE_ACCESS_KEY_ID": s3_service.ACCESS_KEY,
                "CACHE_SECRET_ACCESS_KEY": s3_service.SECRET_KEY,
                "CACHE_ENDPOINT": f"http://127.0.0.1:{service.port}"})

            self.assertTrue(list((bucket / "team" / "packs").rglob("*")))
        self.assertFalse((runner.folder / "_work" / "_hearth").exists(), "nothing is kept on the machine")

    def test_team_server(self):
        server = CacheServer(self.folder)
        self.addCleanup(server.close)
        self.twice("team-server.yml", variables={"CACHE_SERVER": server.endpoint},
                   secrets={"CACHE_TOKEN": server.new_token("save")})

    def test_ccache(self):
        runner = self.twice("cpp-ccache.yml", errors=None)
        self.assertEqual(list((runner.folder / "_work" / "_temp").glob("hearth/ccache")), [])

    def test_github_hosted(self):
        with CacheService() as service:
            given = service.job_environment(repository=REPOSITORY)
            self.twice("github-hosted.yml", environment="github-hosted", token="ghs_emulator", actions_env={
                **{name: value for name, value in given.items() if name.startswith("ACTIONS_")},
                "GITHUB_API_URL": service.url.rstrip("/")})

            kept = service.control("entries")
            self.assertTrue([e for e in kept if e["key"].startswith("packs/")], kept)
            self.assertEqual({e["repository"] for e in kept}, {REPOSITORY})

    def test_release_in_variants(self):
        runner = self.twice("matrix-release.yml")

        programs = runner.folder / "artifacts"
        self.assertTrue((programs / "programs-release" / "small").exists())
        self.assertTrue((programs / "programs-dev" / "small").exists())

    def benchmark_tree(self) -> pathlib.Path:
        """This repository as far as the benchmark needs it, with its programs and a small project."""
        tree = self.folder / "tree"
        for name in ("scripts", "tests/e2e"):
            shutil.copytree(product.SOURCE / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        (tree / "bin").mkdir()
        for name in ("hearth", "sccache-launcher"):
            shutil.copy(product.program(name), tree / "bin")
        kept = tree / "build" / "release" / "tools" / f"sccache-{tools.SCCACHE_VERSION}"
        kept.mkdir(parents=True)
        shutil.copy(tools.sccache(), kept)
        (tree / "project").mkdir()
        for number in range(3):
            (tree / "project" / f"f{number}.c").write_text(f"int f{number}(void) {{ return {number}; }}\n")
        return tree

    def benchmark(self, name: str, **settings) -> tuple[Runner, list]:
        runner = self.runner(name, sources=self.benchmark_tree(), variables={
            "HEARTH_PROGRAM": "bin/hearth", "HEARTH_BENCH_PROJECT": "project", "HEARTH_BENCH_BUILD": COMPILE_ALL,
            "HEARTH_BENCH_CLEAN": "rm -f *.o"}, **settings)
        results = runner.run_all(EXAMPLES / BENCHMARK, inputs={"rounds": "1"})
        for result in results:
            self.assert_green(result)
        self.assert_clean(runner)
        return runner, results

    def test_benchmark_collects_both_legs_in_one_table(self):
        self.backend.chmod(0o777)  # host steps are the runner's user
        runner, results = self.benchmark("both", secrets={"HEARTH_BACKEND": f"disk://{self.backend}"})
        table = json.loads((runner.folder / "artifacts" / "sccache-benchmark-table" / "table.json").read_text())
        self.assertEqual([leg["name"] for leg in table["legs"]], ["local", "proxy"])
        self.assertEqual([leg["warm_hit_rate"] for leg in table["legs"]], [100, 100])
        self.assertIn("| proxy |", results[-1].summary)

    def test_benchmark_leg_without_a_secret_skips_itself_visibly(self):
        runner, results = self.benchmark("alone")
        table = json.loads((runner.folder / "artifacts" / "sccache-benchmark-table" / "table.json").read_text())
        self.assertEqual([leg["name"] for leg in table["legs"]], ["local"])
        self.assertIn("skipped", results[1].summary)


if __name__ == "__main__":
    unittest.main()
