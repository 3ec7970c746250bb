"""Jobs whose steps run in a `container:`: the agent joins their network, and
`sccache` is found under the container's own paths."""

from __future__ import annotations

import unittest

from tests.e2e import inputs
from tests.e2e.product import CMAKE, ProductTest, compilers_image, figures, workflow

# The steps are root in the container, so the workspace is theirs afterwards.
BY_THE_STEPS = ("root owns _work/project/project", "left in _temp: _github_home")


class ContainerJob(ProductTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.compilers = compilers_image()

    def job(self, name: str):
        runner = self.runner(name, sources=inputs.mbedtls())
        result = runner.run_text(workflow(
            "{id: where, run: 'command -v sccache && cat /etc/debian_version'}", CMAKE,
            head=f"    container: '{self.compilers}'\n",
            inputs_of_action=f"{self.backend_input()}, tag: container"))
        self.assert_green(result)
        self.assert_clean(runner, but=BY_THE_STEPS)
        return result

    def test_a_second_job_finds_everything(self):
        cold = self.job("one")
        warm = self.job("two")

        self.assertIn("/__w/_temp/", cold.step("where").log)
        lookups = self.assert_cold(cold)
        self.assert_warm(warm)
        self.assertEqual(figures(warm)["hits"], lookups)
        self.assertNotIn("network rm failed", cold.log + warm.log)
        self.assertNotIn("127.0.0.1", cold.step("hearth").outputs["endpoint"])


if __name__ == "__main__":
    unittest.main()
