"""The agent is killed with SIGKILL while many clients store. Whoever got a 201 finds the object again in the next
agent on that store, what a flush reported as published is in the tag, and no answer ever holds other bytes."""

import contextlib
import hashlib
import http.client
import pathlib
import random
import tempfile
import threading
import time
import unittest

from tests.agent.running import Agent

KILLS = 32
CLIENTS = 6
SIZES = (0, 1, 100, 4_000, 4_096, 20_000, 100_000)


class Clients:
    """Store and read until stopped; what they may count on is in `acknowledged`."""

    def __init__(self, agent: Agent):
        self.agent = agent
        self.lock = threading.Lock()
        self.acknowledged: dict[str, str] = {}  # key -> SHA-256
        self.wrong: list[str] = []
        self.reads = 0
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def work(self, number: int) -> None:
        chance = random.Random(number)
        while not self.stopped.is_set():
            try:
                time.sleep(chance.uniform(0, 0.01))
                self.put(chance, number)
                if chance.random() < 0.3:
                    self.read(chance)
            except (OSError, http.client.HTTPException):
                time.sleep(0.005)  # killed on the way

    def put(self, chance: random.Random, number: int) -> None:
        key = f"a/b/c/{number}-{chance.getrandbits(64):016x}"
        body = chance.randbytes(chance.choice(SIZES))
        if self.agent.put(key, body) == 201:
            with self.lock:
                self.acknowledged[key] = hashlib.sha256(body).hexdigest()

    def read(self, chance: random.Random) -> None:
        with self.lock:
            key, digest = chance.choice(list(self.acknowledged.items())) if self.acknowledged else ("none", "")
        status, body = self.agent.get(key)
        if status == 503:
            return  # the next agent was given the same port and still reads its tag
        self.reads += 1
        if digest and (status != 200 or hashlib.sha256(body).hexdigest() != digest):
            self.wrong.append(f"{status} with {len(body)} bytes for {key}")


class Kills(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-kills-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def missing(self, agent: Agent, objects: dict[str, str]) -> list[str]:
        missing = []
        with contextlib.closing(agent.connection()) as connection:
            for key, digest in objects.items():
                connection.request("GET", f"/sccache/{key}")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or hashlib.sha256(body).hexdigest() != digest:
                    missing.append(f"{answer.status} for {key}")
        return missing

    def test_nothing_acknowledged_or_published_is_lost(self):
        chance = random.Random(7)
        agent = Agent(self.folder, flags=("--log-level", "error"))
        self.addCleanup(agent.close)
        clients = Clients(agent)
        self.addCleanup(clients.stop)
        published: dict[str, str] = {}
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.0, 0.25))
            flush = threading.Thread(target=self.flush, args=(agent, clients, published))
            if kill % 2:
                flush.start()  # half of the kills come while a flush is on its way, or just after it
                if kill % 8 == 7:
                    flush.join()  # on a slow machine, too, something is published
                else:
                    time.sleep(chance.uniform(0.0, 0.25))
            agent.kill()
            if kill % 2:
                flush.join()
            agent.start()
        clients.stop()

        self.assertEqual(clients.wrong, [])
        self.assertGreater(len(clients.acknowledged), 10 * KILLS)
        self.assertGreater(clients.reads, KILLS)
        self.assertGreater(len(published), 0)
        self.assertEqual(self.missing(agent, clients.acknowledged), [])
        agent.kill()

        fresh = Agent(self.folder, store="fresh")
        self.addCleanup(fresh.close)
        self.assertEqual(self.missing(fresh, published), [])

        agent.start()  # adopts what its predecessors did not publish
        figures = agent.command_line("drain")
        self.assertEqual(figures["pending"], 0, figures["notes"])
        fresh.end()
        fresh = Agent(self.folder, store="fresh2")
        self.addCleanup(fresh.close)
        self.assertEqual(self.missing(fresh, clients.acknowledged), [])

    @staticmethod
    def flush(agent: Agent, clients: Clients, published: dict[str, str]) -> None:
        with clients.lock:
            before = dict(clients.acknowledged)
        try:
            agent.command_line("flush")
        except Exception:  # noqa: BLE001 - the agent was killed on the way
            return
        published.update(before)


if __name__ == "__main__":
    unittest.main()
