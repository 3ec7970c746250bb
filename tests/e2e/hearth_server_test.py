"""Jobs with the action whose cache is `hearth server`: ripgrep cold, then warm, sharing nothing but the server, which
keeps it in a folder or in a bucket."""

from __future__ import annotations

import contextlib
import unittest

from tests.agent import s3_service
from tests.agent.cache_server import ADMIN_TOKEN, WORKSPACE, CacheServer
from tests.e2e import inputs
from tests.e2e.product import CARGO, ProductTest, figures, hearth_step, workflow


class Server(ProductTest):
    @contextlib.contextmanager
    def server(self, **settings):
        server = CacheServer(self.folder, **settings)
        try:
            yield server
        finally:
            server.close()

    def job(self, server: CacheServer, token: str, more: str = ""):
        runner = self.runner(sources=inputs.ripgrep(), secrets={"HEARTH_TOKEN": token})
        result = runner.run_text(workflow(CARGO, inputs_of_action=(
            f"workspace: {WORKSPACE}, api-url: '{server.endpoint}', token: '${{{{ secrets.HEARTH_TOKEN }}}}', "
            f"tag-prefix: e2e{more}")))
        self.assert_green(result)
        self.assert_clean(runner)
        self.assertNotIn(token, result.log, "the token is masked")
        self.assertNotIn(ADMIN_TOKEN, result.log)
        return result

    def cold_then_warm(self, server: CacheServer):
        cold = self.job(server, server.new_token("save"))
        warm = self.job(server, server.new_token("restore"), more=", mode: read-only")

        lookups = self.assert_cold(cold)
        self.assert_warm(warm)
        self.assertEqual(figures(warm)["hits"], lookups)
        self.assertEqual(hearth_step(warm).outputs["cache-hit"], "true")
        # The summary names the server, the generation and the conflicts.
        self.assertIn(f"127.0.0.1:{server.port}/{WORKSPACE}", cold.summary.replace("&#58;", ":"))
        self.assertGreater(figures(cold)["generation"], 0)
        self.assertEqual(figures(cold)["conflicts"], 0)
        self.assertIn("Generation", cold.summary)
        self.assertIn("Conflicts", cold.summary)

    def test_over_a_folder(self):
        with self.server() as server:
            self.cold_then_warm(server)

    def test_over_a_bucket(self):
        with s3_service.s3_service(self.folder) as service:
            with self.server(storage=service.url(), environment=service.environment()) as server:
                self.cold_then_warm(server)

    def test_a_server_that_is_gone_costs_a_warning_and_no_build(self):
        with self.server() as server:
            token = server.new_token("save")
        result = self.job(server, token)

        found = figures(result)
        self.assertEqual(found["hits"], 0)
        self.assertEqual(found["published"], 0)
        self.assertEqual(found["pending"], found["stores"], "nothing is lost silently")
        self.assertTrue([each for each in result.messages("warning") if "not yet published" in each])


if __name__ == "__main__":
    unittest.main()
