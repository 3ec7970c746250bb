"""The agent's live page in a real browser, beside a real agent, and the page of a recorded run."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from tests.agent.browser import Browser
from tests.agent.running import HEARTH, Agent
from tests.e2e import tools


def key_of(number: int) -> str:
    digits = f"{number:02x}".rjust(4, "a").ljust(64, "0")
    return f"{digits[0]}/{digits[1]}/{digits[2]}/{digits}"


class InABrowser(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-page-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.browser = Browser()
        self.addCleanup(self.browser.close)

    def agent(self, **options) -> Agent:
        agent = Agent(self.folder, **options)
        self.addCleanup(agent.close)
        return agent

    def assert_clean(self, origin: str):
        """No complaint, and no request that left the page's origin."""
        self.browser.ask("1")  # takes in what is there
        self.assertEqual(self.browser.complaints, [])
        strange = [url for url in self.browser.requests if not url.startswith((origin, "data:,", "about:"))]
        self.assertEqual(strange, [])

    def tile(self, name: str) -> str:
        return self.browser.ask(f"[...document.querySelectorAll('#tiles dt')].find(dt => dt.textContent === "
                                f"{json.dumps(name)}).nextSibling.textContent")


class LivePage(InABrowser):
    def test_it_shows_what_happens_within_a_second(self):
        agent = self.agent()
        origin = f"http://127.0.0.1:{agent.port}/"
        self.browser.open(origin)
        self.browser.wait_for_text("#connection", "live")
        self.assertEqual(self.browser.text("#tag"), "integration")
        waits = []
        for number in range(1, 6):
            agent.put(key_of(number), b"object")
            self.assertEqual(agent.get(key_of(number))[0], 200)
            self.assertEqual(agent.get(key_of(number + 100))[0], 404)
            waits.append(self.browser.wait_for_text("#tiles", f"{number} found, {number} missed"))
        self.assertLess(max(waits), 1, waits)
        self.assertIn("50.0 %", self.tile("hit rate"))
        status = agent.status()
        self.assertEqual((status["lookups_hit"], status["lookups_missed"]), (5, 5))
        self.assertIn("absent", self.browser.text("#reasons"))
        newest = self.browser.text("#misses tbody tr:first-child .key")
        self.assertEqual(newest, key_of(105).rpartition("/")[2][:16])
        for chart in ("rate", "lookups", "traffic", "queue"):
            self.browser.wait_for(f"document.querySelector('#{chart} .area') !== null", 5)
        self.assertIn("p95", self.browser.ask("document.querySelector('#latency svg').getAttribute('aria-label')"))
        self.assert_clean(origin)

    def test_it_shows_what_was_published_and_then_the_end(self):
        agent = self.agent()
        self.browser.open(f"http://127.0.0.1:{agent.port}/")
        agent.put(key_of(1), b"object")
        self.browser.wait_for_text("#publishing", "waiting")
        agent.command_line("flush")
        self.browser.wait_for("[...document.querySelectorAll('#tiles dt')].some(dt => dt.textContent === 'published' "
                              "&& dt.nextSibling.firstChild.data === '1')", 5)
        self.assertEqual(agent.end(), 0)
        self.browser.wait_for_text("#connection", "has ended", 5)
        self.assertEqual(self.browser.text("#phase"), "draining")

    def test_a_page_opened_late_has_the_run_from_its_beginning(self):
        agent = self.agent()
        agent.put(key_of(1), b"object")
        for _ in range(3):
            agent.get(key_of(1))
            time.sleep(0.9)
        self.browser.open(f"http://127.0.0.1:{agent.port}/")
        self.browser.wait_for("document.querySelector('#rate .line') !== null", 2)

    def test_it_is_used_from_a_keyboard(self):
        agent = self.agent()
        agent.put(key_of(1), b"object")
        agent.get(key_of(1))
        self.browser.open(f"http://127.0.0.1:{agent.port}/")
        self.browser.wait_for("document.querySelector('#rate .area') !== null")
        reached = []
        for _ in range(6):
            self.browser.press("Tab")
            reached.append(self.browser.ask("document.activeElement.id || document.activeElement.parentElement.id"))
        self.assertEqual(reached, ["pause", "rate", "lookups", "latency", "traffic", "queue"])
        self.browser.ask("document.querySelector('#rate svg').focus()")
        self.browser.press("Home")
        self.browser.press("ArrowRight")
        self.assertRegex(self.browser.text("#reading"), r"^Hit rate: .* at \d+:\d\d$")
        self.browser.press("Escape")
        self.assertEqual(self.browser.text("#reading"), "")

    def test_paused_it_stands_still_and_loses_nothing(self):
        agent = self.agent()
        self.browser.open(f"http://127.0.0.1:{agent.port}/")
        self.browser.wait_for_text("#connection", "live")
        self.browser.press("p")
        self.browser.wait_for_text("#pause", "Go on")
        before = self.browser.text("#tiles")
        agent.get(key_of(1))
        time.sleep(0.9)
        self.assertEqual(self.browser.text("#tiles"), before)
        self.browser.press("p")
        self.browser.wait_for_text("#tiles", "1 missed", 1)

    def test_it_fits_a_phone_in_light_and_dark(self):
        agent = self.agent()
        agent.put(key_of(1), b"object")
        agent.get(key_of(1))
        self.browser.resize(360, 740)
        papers = set()
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            self.browser.open(f"http://127.0.0.1:{agent.port}/")
            self.browser.wait_for("document.querySelector('#rate .area') !== null")
            self.assertLessEqual(self.browser.ask("document.documentElement.scrollWidth"), 360)
            papers.add(self.browser.ask("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(len(papers), 2)

    def test_what_comes_from_outside_is_text(self):
        hostile = self.folder / "<img src=x onerror=alert(1)>"
        hostile.mkdir()
        agent = self.agent(backend=f"disk://{hostile}")
        origin = f"http://127.0.0.1:{agent.port}/"
        self.browser.open(origin)
        self.browser.wait_for_text("#tiles", "<img src=x onerror=alert(1)>")
        self.assertEqual(self.browser.ask("document.images.length"), 0)
        self.assert_clean(origin)

    def test_nothing_but_its_own_script_runs(self):
        agent = self.agent()
        self.browser.open(f"http://127.0.0.1:{agent.port}/")
        self.browser.wait_for_text("#connection", "live")
        self.browser.ask("(() => { const script = document.createElement('script'); script.textContent = "
                         "'window.intruder = 1'; document.head.append(script); })()")
        self.assertTrue(self.browser.ask("window.intruder === undefined"))
        refused = self.browser.ask("fetch('http://127.0.0.1:9/').then(() => 'sent', error => error.name)")
        self.assertEqual(refused, "TypeError")
        self.browser.ask("1")
        for refusal in ("inline script violates", "Connecting to 'http://127.0.0.1:9/' violates"):
            self.assertTrue([line for line in self.browser.complaints if refusal in line], self.browser.complaints)


class WithAToken(InABrowser):
    TOKEN = "a-token-of-this-test"

    def setUp(self):
        super().setUp()
        file = self.folder / "token"
        file.write_text(self.TOKEN)
        self.guarded = self.agent(flags=("--token-file", str(file)))
        self.origin = f"http://127.0.0.1:{self.guarded.port}/"

    def test_one_in_the_address_goes_to_nobody_and_out_of_sight(self):
        self.browser.open(f"{self.origin}#token={self.TOKEN}")
        self.browser.wait_for_text("#connection", "live")
        self.assertEqual(self.browser.ask("location.href"), self.origin)
        self.assertEqual([url for url in self.browser.requests if self.TOKEN in url.partition("#")[0]], [])
        self.assert_clean(self.origin)
        self.browser.reload()
        self.browser.wait_for_text("#connection", "live")

    def test_without_one_it_asks_and_takes_no_wrong_one(self):
        self.browser.open(self.origin)
        self.browser.wait_for("!document.querySelector('#sign-in').hidden")
        self.assertTrue(self.browser.ask("document.querySelector('#board').hidden"))
        self.browser.type("wrong")
        self.browser.press("Enter")
        self.browser.wait_for_text("#sign-in-problem", "refused")
        self.browser.ask("document.querySelector('#token').value = ''")
        self.browser.type(self.TOKEN)
        self.browser.press("Enter")
        self.browser.wait_for_text("#connection", "live")
        self.assertTrue(self.browser.ask("document.querySelector('#sign-in').hidden"))

    def test_the_empty_page_is_all_that_a_stranger_gets(self):
        with contextlib.closing(self.guarded.connection()) as connection:
            for path, expected in (("/", 200), ("/events", 401), ("/status", 401)):
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read().decode()
                self.assertEqual(answer.status, expected, path)
                self.assertNotIn("integration", body)


class Listeners(unittest.TestCase):
    def test_sixteen_pages_may_be_open(self):
        with tempfile.TemporaryDirectory(prefix="hearth-page-") as name:
            agent = Agent(pathlib.Path(name))
            self.addCleanup(agent.close)
            answers = []
            for _ in range(16):
                connection = agent.connection()
                connection.request("GET", "/events")
                answers.append(connection.getresponse())
            self.assertEqual({answer.status for answer in answers}, {200})
            self.assertEqual(agent.request("GET", "/events")[0], 503)
            agent.put(key_of(1), b"object")
            self.assertEqual(agent.get(key_of(1)), (200, b"object"))
            for answer in answers:
                answer.close()
            deadline = time.monotonic() + 5
            while b"\nhearth_event_listeners 0\n" not in agent.request("GET", "/metrics")[1]:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)


class RecordedRun(InABrowser):
    def setUp(self):
        super().setUp()
        work = self.folder / "work"
        work.mkdir()
        for number in range(4):
            (work / f"f{number}.c").write_text(f"int f{number}(void) {{ return {number}; }}\n")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SCCACHE_")}
        environment["HEARTH_SCCACHE"] = str(tools.sccache())
        self.store = str(self.folder / "store")
        subprocess.run([HEARTH, "run", "--store", self.store, "--backend", f"disk://{self.folder}/backend", "--tag",
                        "recorded", "--min-free-space", "0", "--min-hit-rate", "0", "--", "sh", "-c",
                        "for f in *.c; do sccache cc -c $f; sleep 0.6; done"], cwd=work, env=environment, check=True,
                       capture_output=True, timeout=120)

    def top(self, *flags: str) -> str:
        return subprocess.run([HEARTH, "top", "--store", self.store, *flags], check=True, capture_output=True,
                              text=True, timeout=60).stdout

    def test_a_page_of_it_needs_no_agent(self):
        page = self.folder / "run.html"
        self.top("--page", str(page))
        self.browser.open(page.as_uri())
        self.browser.wait_for_text("#connection", "recorded")
        self.assertEqual(self.browser.text("#tag"), "recorded, generation 1")
        self.assertIn("0 found, 4 missed", self.browser.text("#tiles"))
        self.assertIn("absent", self.browser.text("#misses tbody"))
        self.assertTrue(self.browser.ask("document.querySelector('#lookups .line') !== null"))
        self.assert_clean(page.as_uri())

    def test_a_terminal_shows_it_too(self):
        shown = self.top("--run", "1")
        self.assertIn("recorded, generation 1 (read-write, ended)", shown)
        self.assertIn("4 published", shown)
        done = subprocess.run([HEARTH, "top", "--store", self.store, "--run", "7"], check=False, capture_output=True,
                              text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no run '7'", done.stderr)


if __name__ == "__main__":
    unittest.main()
