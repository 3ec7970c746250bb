"""Every figure of packaging/grafana/hearth.json is documented in docs/metrics.md and shown by real agents."""

import json
import pathlib
import re
import shutil
import socket
import tempfile
import unittest

from tests.agent.running import Agent

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((SOURCE / "packaging/grafana/hearth.json").read_text())


def expressions() -> list[str]:
    queries = [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    return queries + [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def samples(text: str) -> dict[str, set[str]]:
    """Names of samples and the labels they come with, of the text of /metrics."""
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? [^ ]+$", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix="hearth-dashboard-") as name:
            cls.shown = cls.figures_of_real_agents(pathlib.Path(name))

    @staticmethod
    def figures_of_real_agents(folder: pathlib.Path) -> dict[str, set[str]]:
        """Of an agent at work, of one that may not publish, and of one whose storage breaks away."""
        shown: dict[str, set[str]] = {}
        for store, flags in (("works", ()), ("reads", ("--mode", "read-only")), ("breaks", ())):
            agent = Agent(folder, store=store, flags=flags, backend=f"disk://{folder}/{store}-backend")
            try:
                agent.put("a/b/c/key", b"object")
                agent.get("a/b/c/key")
                agent.get("a/b/c/absent")
                agent.request("BREW", "/status")
                agent.request("GET", "/status", b"x" * 10)
                with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as raw:
                    raw.sendall(b"this is no HTTP\r\n\r\n")
                    raw.recv(100)
                if store == "breaks":
                    shutil.rmtree(folder / "breaks-backend")
                    (folder / "breaks-backend").write_text("in the way")
                    agent.request("GET", "/metrics")
                if store != "breaks":
                    agent.command_line("flush")
                else:
                    agent.command_line("flush", "--deadline", "2s")
                for name, labels in samples(agent.request("GET", "/metrics")[1].decode()).items():
                    shown.setdefault(name, set()).update(labels)
            finally:
                agent.close()
        return shown

    def test_it_can_be_imported(self):
        self.assertEqual(DASHBOARD["title"], "Hearth")
        ids = [panel["id"] for panel in DASHBOARD["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            self.assertEqual(panel["type"] == "row", "targets" not in panel)

    def test_every_figure_is_documented(self):
        documented = set(re.findall(r"^\| `(\w+)`", (SOURCE / "docs/metrics.md").read_text(), re.MULTILINE))
        named = {name for expression in expressions() for name in re.findall(r"hearth_\w+", expression)}
        self.assertGreater(len(named), 20)
        self.assertEqual(named - documented, set())

    def test_real_agents_show_every_figure_with_its_labels(self):
        for expression in expressions():
            for name in re.findall(r"hearth_\w+", expression):
                self.assertIn(name, self.shown, expression)
            labels = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
            for label in labels - {"instance"}:
                known = set().union(*(self.shown[name] for name in re.findall(r"hearth_\w+", expression)))
                self.assertIn(label, known, expression)

    def test_brackets_close(self):
        for expression in expressions():
            self.assertEqual(re.sub(r"[^(){}\[\]]", "", expression).count("("), expression.count(")"), expression)
            self.assertEqual(expression.count("{"), expression.count("}"), expression)


if __name__ == "__main__":
    unittest.main()
