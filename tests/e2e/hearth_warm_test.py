"""Jobs with the action on one machine: cold, then warm, sharing only the
backend's folder; and two jobs at once."""

from __future__ import annotations

import unittest

from tests.e2e import inputs, product
from tests.e2e.product import CARGO, CMAKE, ProductTest, figures, workflow


class Warm(ProductTest):
    def job(self, source, *steps: str, name: str = "runner", more: str = ""):
        runner = self.runner(name, sources=source)
        result = runner.run_text(workflow(
            *steps, inputs_of_action=f"{self.backend_input()}, tag-prefix: e2e{more}"))
        self.assert_green(result)
        self.assert_clean(runner)
        return result

    def test_rust_is_all_hits_in_a_second_job(self):
        cold = self.job(inputs.ripgrep(), CARGO)
        warm = self.job(inputs.ripgrep(), CARGO)

        lookups = self.assert_cold(cold)
        self.assert_warm(warm)
        self.assertEqual(figures(warm)["hits"], lookups)
        self.assertEqual(figures(warm)["stores"], 0)
        self.check_outputs(cold, hit="false")
        self.check_outputs(warm, hit="true")
        self.check_summary(warm)

    def check_outputs(self, result, hit: str):
        outputs = result.step("hearth").outputs
        self.assertEqual(outputs["cache-hit"], hit)
        self.assertRegex(outputs["root-tag"], r"^e2e-[^-]+-sccache-linux-x86_64$")
        self.assertEqual(outputs["backend"], f"disk://{self.backend}")
        self.assertEqual(outputs["mode"], "read-write")
        self.assertRegex(outputs["endpoint"], r"^http://127\.0\.0\.1:\d+$")
        self.assertTrue(outputs["summary-json"].endswith(f"/_temp/{product.SUMMARY_JSON}"))

    def check_summary(self, result):
        self.assertIn("100", result.summary)
        self.assertIn(result.step("hearth").outputs["root-tag"], result.summary)

    def test_c_is_all_hits_in_a_second_job(self):
        cold = self.job(inputs.mbedtls(), CMAKE)
        warm = self.job(inputs.mbedtls(), CMAKE)

        lookups = self.assert_cold(cold)
        self.assert_warm(warm)
        self.assertEqual(figures(warm)["hits"], lookups)

    def test_c_in_disk_mode_is_all_hits_in_a_second_job_which_stays_in_it(self):
        # CMake tries this flag in a folder with a random name, and direct mode's keys hold the path.
        cmake = CMAKE.replace("-B build", "-B build -DC_COMPILER_SUPPORTS_WFORMAT_SIGNEDNESS=ON")
        cold = self.job(inputs.mbedtls(), cmake, more=", sccache-mode: disk")
        warm = self.job(inputs.mbedtls(), cmake)

        lookups = self.assert_cold(cold)
        self.assert_warm(warm)
        self.assertEqual(figures(warm)["hits"], lookups)
        self.assertEqual(figures(warm)["stores"], 0)  # direct mode: nothing was learnt about any source
        self.assertEqual([figures(job)["sccache_mode"] for job in (cold, warm)], ["disk", "disk"])

    def test_two_jobs_at_once_lose_nothing_of_each_other(self):
        names = ("one", "two")
        runners = [self.runner(n, sources=inputs.mbedtls()) for n in names]
        # The same tag, and keys of their own: each defines something else.
        texts = [workflow(CMAKE.replace("-B build", f"-B build -DCMAKE_C_FLAGS=-DJOB_{n}"),
                          inputs_of_action=f"{self.backend_input()}, tag: shared")
                 for n in names]

        handles = [r.start_text(t) for r, t in zip(runners, texts)]
        colds = [h.wait() for h in handles]
        for runner, cold in zip(runners, colds):
            self.assert_green(cold)
            self.assert_cold(cold)
            self.assert_clean(runner)
        warms = [r.start_text(t) for r, t in zip(runners, texts)]
        for runner, handle in zip(runners, warms):
            warm = handle.wait()
            self.assert_green(warm)
            self.assert_warm(warm)
            self.assert_clean(runner)

    def test_a_local_action_works_without_pre(self):
        source = self.folder / "source"
        source.mkdir()
        for name in ("action.yml", "Dockerfile"):
            (source / name).write_text((product.SOURCE / name).read_text())
        (source / "a.c").write_text("int main(void) { return 0; }\n")
        runner = self.runner(sources=source)

        result = runner.run_text(workflow(
            "{id: build, run: 'sccache cc -c a.c -o a.o'}",
            inputs_of_action=self.backend_input()).replace(product.USES, "./"))

        self.assert_green(result)
        self.assertEqual(figures(result)["misses"], 1)
        self.assert_clean(runner)


if __name__ == "__main__":
    unittest.main()
