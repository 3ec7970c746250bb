"""Launcher, real sccache and the real agent together: a warm second job, and an agent that dies on the way."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from stand import BUILD, Stand


class Agent:
    """`hearth agent` on a port of its own, publishing to `backend`."""

    def __init__(self, backend):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hl-agent-"))
        ready = self.folder / "ready"
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [BUILD / "bin/hearth", "agent", "--listen", "127.0.0.1:0", "--store", self.folder / "store", "--backend",
             f"disk://{backend}", "--tag", "launcher-test", "--ready-file", ready, "--control", self.folder / "control"],
            stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.01)
        self.address = json.loads(ready.read_text())["endpoint"].removeprefix("http://")

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=60)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class WithTheAgent(unittest.TestCase):
    def setUp(self):
        self.backend = tempfile.TemporaryDirectory(prefix="hl-backend-")
        self.addCleanup(self.backend.cleanup)

    def job(self, agent):
        stand = Stand()
        self.addCleanup(stand.close)
        stand.configure(**{"agent": agent.address, "env.SCCACHE_WEBDAV_ENDPOINT": f"http://{agent.address}/sccache"})
        for number in range(4):
            stand.source(f"f{number}.c", f"int f{number}(void) {{ return {number}; }}\n")
        return stand

    def build(self, stand, numbers):
        for number in numbers:
            result = stand.run("gcc", "-c", f"f{number}.c", "-o", f"f{number}.o")
            self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_a_second_job_is_warm(self):
        counts = []
        for _ in range(2):
            agent = Agent(self.backend.name)
            stand = self.job(agent)
            self.build(stand, range(4))
            counts.append(stand.statistics()["stats"]["cache_hits"]["counts"])
            stand.kill_servers()
            agent.end()
        self.assertEqual(counts, [{}, {"C/C++": 4}])

    def test_an_agent_that_dies_on_the_way_fails_nothing(self):
        agent = Agent(self.backend.name)
        stand = self.job(agent)
        self.build(stand, [0])
        agent.end(signal.SIGKILL)
        self.build(stand, [1, 2])
        stand.kill_servers()

        result = stand.run("gcc", "-c", "f3.c", "-o", "f3.o")

        self.assertEqual(result.returncode, 0)
        self.assertIn(f"the cache agent at {agent.address} does not answer".encode(), result.stderr)
        self.assertEqual(stand.words(), ["started", "agent-unreachable", "fallback agent-unreachable", "notice"])
        self.assertEqual(len(list(stand.work.glob("*.o"))), 4)


if __name__ == "__main__":
    unittest.main()
