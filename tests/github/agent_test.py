"""The agent on GitHub's cache service, as far as the emulator is it: how many calls a job costs, what many jobs at
once make of the limits, and that nothing is lost or wrong when things fail."""

import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

from tests.agent.running import Agent
from tests.github.running import MAIN, READ_ONLY, READ_WRITE, REPOSITORY, CacheService

STATISTICS = pathlib.Path(__file__).parents[1] / "golden/sccache-0.16.0-stats.json"
# Listens as sccache's server does, and ends when its socket is gone.
FAKE_SERVER = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
listener.settimeout(0.1)
while os.path.exists(sys.argv[1]):
    try:
        listener.accept()[0].close()
    except TimeoutError:
        pass
"""
BRANCH = "refs/heads/feature"


def key_of(number: int) -> str:
    return f"a/b/c/{number:064x}"


def body_of(number: int, size: int = 2000) -> bytes:
    return random.Random(number).randbytes(size)


class AgentOnGithub(unittest.TestCase):
    def setUp(self) -> None:
        self.service = self.enterContext(CacheService())
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="hearth-github-")))
        self.numbers = itertools.count(1)

    @contextlib.contextmanager
    def job(self, *flags: str, scope: str = MAIN, scopes: list[list] | None = None, **variables: str):
        """An agent with a store of its own, as a job on a fresh machine has it."""
        number = next(self.numbers)
        secrets = self.folder / f"secrets{number}"
        given = self.service.job_environment(scopes) | {"GITHUB_API_URL": self.service.url} | variables
        secrets.write_text(json.dumps(given))
        agent = Agent(self.folder, store=f"store{number}", backend="github", flags=(
            "--secrets-file", str(secrets), "--repository", REPOSITORY, "--scope", scope, "--log-level", "info", *flags))
        try:
            self.assertFalse(secrets.exists())
            yield agent
        finally:
            agent.close()

    def store(self, agent: Agent, numbers: range) -> None:
        for number in numbers:
            self.assertEqual(agent.put(key_of(number), body_of(number)), 201)

    def check(self, agent: Agent, numbers: range) -> None:
        for number in numbers:
            status, body = agent.get(key_of(number))
            self.assertEqual(status, 200, agent.log.read_text()[-3000:])
            self.assertEqual(body, body_of(number))

    def calls(self) -> int:
        return self.service.counters()["service"]

    def test_a_cold_job_takes_a_dozen_calls(self) -> None:
        with self.job("--also-scope", BRANCH, "--also-scope", "refs/heads/develop") as agent:
            self.store(agent, range(600))
            figures = agent.command_line("drain")

        self.assertEqual((figures["published"], figures["pending"], figures["http_429"]), (600, 0, 0))
        self.assertLessEqual(self.calls(), 12, self.service.counters())

    def test_a_warm_job_of_3500_objects_takes_two_dozen_calls(self) -> None:
        numbers = range(3500)
        with self.job() as agent:
            self.store(agent, numbers)
            agent.command_line("drain")
        self.service.control("reset", {})

        with self.job("--also-scope", BRANCH) as agent:
            self.check(agent, numbers)
            self.store(agent, range(9000, 9010))
            figures = agent.command_line("drain")

        self.assertEqual(figures["published"], 10)
        print(self.calls(), "calls for a warm job of 3,500 objects")
        self.assertLessEqual(self.calls(), 24, self.service.counters())

    def test_a_warm_job_that_only_records_its_run_stays_below_twenty_calls(self) -> None:
        numbers = range(3500)
        with self.job() as agent:
            self.store(agent, numbers)
            agent.command_line("drain")
        self.service.control("reset", {})
        socket, sccache = self.folder / "server.sock", self.folder / "sccache"
        server = subprocess.Popen([sys.executable, "-c", FAKE_SERVER, str(socket)])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        sccache.write_text(f'#!/bin/sh\n[ "$1" = --show-stats ] && exec cat {STATISTICS}\nexec rm -f {socket}\n')
        sccache.chmod(0o755)

        with self.job("--also-scope", BRANCH, "--sccache-real", str(sccache), "--sccache-socket", str(socket),
                      "--launcher-state", str(self.folder / "state")) as agent:
            self.check(agent, numbers)
            agent.command_line("drain")
        calls = self.calls()
        with self.job() as agent:
            runs = agent.status()["earlier_runs"]

        self.assertEqual(len(runs), 1)
        self.assertLess(calls, 20, self.service.counters())

    def test_six_jobs_at_once_lose_nothing_and_meet_no_limit(self) -> None:
        def one(number: int) -> dict:
            with self.job() as agent:
                self.store(agent, range(number * 300, (number + 1) * 300))
                return agent.command_line("drain")

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            figures = list(pool.map(one, range(6)))

        self.assertEqual([(each["published"], each["pending"]) for each in figures], [(300, 0)] * 6)
        counters = self.service.counters()
        self.assertEqual(counters["rate_limited"], 0)
        with self.job() as agent:
            self.check(agent, range(1800))

    def test_a_branch_reads_what_the_default_branch_wrote_and_writes_its_own(self) -> None:
        with self.job() as agent:
            self.store(agent, range(10))
            agent.command_line("drain")
        branch = [[BRANCH, READ_WRITE], [MAIN, READ_ONLY]]

        with self.job("--also-scope", MAIN, scope=BRANCH, scopes=branch) as agent:
            self.check(agent, range(10))
            self.store(agent, range(10, 20))
            self.assertEqual(agent.command_line("drain")["published"], 10)

        with self.job() as agent:
            self.assertEqual(agent.get(key_of(15))[0], 404)
        with self.job("--also-scope", MAIN, scope=BRANCH, scopes=branch) as agent:
            self.check(agent, range(20))

    def test_a_token_that_only_reads_serves_the_job_and_says_what_was_not_published(self) -> None:
        with self.job() as agent:
            self.store(agent, range(10))
            agent.command_line("drain")

        with self.job(scopes=[[MAIN, READ_ONLY]]) as agent:
            self.check(agent, range(10))
            self.store(agent, range(10, 15))
            self.check(agent, range(15))
            figures = agent.command_line("status")
            agent.end()
            log = agent.log.read_text()

        self.assertEqual(figures["published"] or 0, 0)
        self.assertIn("read-only", log)

    def test_version_one_does_the_same(self) -> None:
        old = {"GITHUB_SERVER_URL": "https://git.example.org"}
        with self.job(**old) as agent:
            self.store(agent, range(50))
            self.assertEqual(agent.command_line("drain")["published"], 50)

        with self.job(**old) as agent:
            self.check(agent, range(50))
        self.assertNotIn("CreateCacheEntry", self.service.counters()["calls"])

    def test_urls_that_expire_are_asked_for_again(self) -> None:
        with self.job() as agent:
            self.store(agent, range(20))
            agent.command_line("drain")

        with self.job("--preload-budget", "0") as agent:
            self.check(agent, range(1))
            self.service.control("advance", {"seconds": 4000})
            self.check(agent, range(20))

    def test_an_evicted_pack_is_a_miss(self) -> None:
        with self.job() as agent:
            self.store(agent, range(20))
            agent.command_line("drain")
        self.service.request("DELETE", f"repos/{REPOSITORY}/actions/caches?key={self.pack_key()}",
                             headers={"Authorization": "Bearer ghs_emulator"})

        with self.job() as agent:
            self.assertEqual(agent.get(key_of(1))[0], 404)
            self.store(agent, range(20))
            self.assertEqual(agent.command_line("drain")["published"], 20)
        with self.job() as agent:
            self.check(agent, range(20))

    def pack_key(self) -> str:
        return next(entry["key"] for entry in self.service.control("entries") if entry["key"].startswith("packs/"))


if __name__ == "__main__":
    unittest.main()
