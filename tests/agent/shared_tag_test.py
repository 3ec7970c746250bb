"""Agents of several jobs publish to one tag at the same time: merging is adding to a set, so nobody loses anything."""

import pathlib
import tempfile
import threading
import unittest

from tests.agent.running import Agent


class TwoAgents(unittest.TestCase):
    def test_publish_to_one_tag_at_the_same_time_and_lose_nothing(self):
        with tempfile.TemporaryDirectory(prefix="hearth-two-") as name:
            folder = pathlib.Path(name)
            agents = [Agent(folder, store=f"store{number}", flags=("--log-level", "error")) for number in range(3)]
            for agent in agents:
                self.addCleanup(agent.close)
            stored = {}
            for turn in range(5):
                for number, agent in enumerate(agents):
                    for item in range(20):
                        key, body = f"a/b/c/{turn}-{number}-{item}", f"{turn} {number} {item}".encode() * 50
                        self.assertEqual(agent.put(key, body), 201)
                        stored[key] = body
                flushes = [threading.Thread(target=agent.command_line, args=("flush",)) for agent in agents]
                for flush in flushes:
                    flush.start()
                for flush in flushes:
                    flush.join()
            for agent in agents:
                figures = agent.command_line("drain")
                self.assertEqual((figures["published"], figures["pending"]), (100, 0))
                self.assertEqual(agent.process.wait(30), 0)
            fresh = Agent(folder, store="fresh")
            self.addCleanup(fresh.close)
            self.assertEqual(fresh.status()["generation"], 15)
            for key, body in stored.items():
                self.assertEqual(fresh.get(key), (200, body), key)


if __name__ == "__main__":
    unittest.main()
