"""The page of a real `hearth server` in a real browser."""

import pathlib
import tempfile
import unittest

from tests.agent.browser import Browser
from tests.agent.cache_server import ADMIN_TOKEN, WORKSPACE, CacheServer
from tests.agent.server_traffic import publish, report_a_day


class ServerPage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-server-page-")
        self.addCleanup(folder.cleanup)
        self.server = CacheServer(pathlib.Path(folder.name))
        self.addCleanup(self.server.close)
        self.reader = self.server.new_token("restore", "--name", "reader")
        self.browser = Browser()
        self.addCleanup(self.browser.close)
        self.origin = f"{self.server.endpoint}/"

    def sign_in(self, token: str) -> None:
        self.browser.open(self.origin)
        self.browser.wait_for("!document.querySelector('#sign-in').hidden")
        self.browser.type(token)
        self.browser.press("Enter")

    def test_a_reader_sees_tags_days_sessions_and_misses(self):
        publish(self.server, "rust-1.95.0", b"manifest of a tag")
        report_a_day(self.server, hits=300, misses=100)
        self.sign_in(self.reader)
        self.browser.wait_for_text("#connection", "as of")
        self.assertEqual(self.browser.text("#who"), "reader (restore)")
        self.assertEqual(self.browser.text("#workspace"), WORKSPACE)
        self.assertIn("75.0 %", self.browser.text("#tiles"))
        self.assertIn("rust-1.95.0", self.browser.text("#tags tbody"))
        self.assertIn("17 B", self.browser.text("#tags tbody"))
        self.assertIn("main", self.browser.text("#sessions tbody"))
        self.assertIn("sccache/a/b", self.browser.text("#missed tbody"))
        self.assertIn("300 found, 100 missed", self.browser.ask(
            "document.querySelector('#lookups svg').getAttribute('aria-label')"))
        self.assertEqual(self.browser.complaints, [])
        strange = [url for url in self.browser.requests if not url.startswith((self.origin, "data:,", "about:"))]
        self.assertEqual(strange, [])
        self.assertEqual([url for url in self.browser.requests if self.reader in url], [])
        self.assertEqual(self.browser.ask("document.cookie"), "")

    def test_it_stays_signed_in_until_signed_out(self):
        self.sign_in(self.reader)
        self.browser.wait_for_text("#connection", "as of")
        self.browser.reload()
        self.browser.wait_for_text("#connection", "as of")
        self.browser.ask("document.querySelector('#sign-out').click()")
        self.browser.wait_for_text("#connection", "signed out")
        self.browser.reload()
        self.browser.wait_for("!document.querySelector('#sign-in').hidden")
        self.assertTrue(self.browser.ask("document.querySelector('#board').hidden"))

    def test_a_wrong_token_sees_nothing(self):
        self.sign_in("hrt_wrong")
        self.browser.wait_for("document.querySelector('#sign-in-problem').textContent !== ''")
        self.assertTrue(self.browser.ask("document.querySelector('#board').hidden"))
        self.assertEqual(self.browser.ask("sessionStorage.length"), 0)

    def test_the_administrator_chooses_among_workspaces(self):
        self.sign_in(ADMIN_TOKEN)
        self.browser.wait_for_text("#connection", "as of")
        self.assertEqual(self.browser.text("#tags tbody"), "none yet")
        self.assertIn(WORKSPACE, self.browser.text("#workspace"))

    def test_what_clients_report_is_text(self):
        report_a_day(self.server, hits=1, misses=1, prefix="<img src=x onerror=alert(1)>")
        self.sign_in(self.reader)
        self.browser.wait_for_text("#missed tbody", "<img src=x onerror=alert(1)>")
        self.assertEqual(self.browser.ask("document.images.length"), 0)
        self.assertEqual(self.browser.complaints, [])

    def test_it_fits_a_phone(self):
        publish(self.server, "rust-1.95.0-sccache-linux-x86_64-release", b"manifest")
        self.browser.resize(360, 740)
        self.sign_in(self.reader)
        self.browser.wait_for_text("#connection", "as of")
        self.assertLessEqual(self.browser.ask("document.documentElement.scrollWidth"), 360)


if __name__ == "__main__":
    unittest.main()
