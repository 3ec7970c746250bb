"""`::command key=value::data` lines in a step's output, and the masks.

Source: Runner.Common/ActionCommand.cs and RW/ActionCommandManager.cs. At most
ten annotations of a level per step, messages cut at 4096 characters.
"""

from __future__ import annotations

import re
import threading
from typing import Callable

from .results import Annotation, StepResult

COMMAND = re.compile(r"^\s*::(?P<name>[A-Za-z-]+)(?:\s+(?P<properties>[^:]*))?::(?P<data>.*)$")
ANNOTATIONS_PER_LEVEL = 10
MESSAGE_LIMIT = 4096
REMOVED = ("set-env", "add-path")


def unescape(text: str, *, in_property: bool = False) -> str:
    pairs = [("%0D", "\r"), ("%0A", "\n")]
    if in_property:
        pairs += [("%3A", ":"), ("%2C", ",")]
    for escaped, plain in [*pairs, ("%25", "%")]:
        text = text.replace(escaped, plain)
    return text


def properties_of(text: str | None) -> dict[str, str]:
    found = {}
    for part in (text or "").split(","):
        name, equals, value = part.strip().partition("=")
        if equals:
            found[name.strip()] = unescape(value, in_property=True)
    return found


class Masks:
    """Secrets that never appear in what is kept. One set per job."""

    def __init__(self, secrets: list[str]):
        self._values: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, value: str) -> None:
        for line in [value, *value.splitlines()]:
            if line.strip():
                self._values.add(line)

    def apply(self, text: str) -> str:
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "***")
        return text


class StepLog:
    """Takes a step's output line by line: masks it, keeps it, and carries out
    the commands it holds. Lines of one step come from one thread."""

    def __init__(self, result: StepResult, masks: Masks, sink: Callable[[str], None],
                 to_host: Callable[[str], str] = lambda path: path):
        self.result = result
        self.masks = masks
        self.sink = sink
        self.to_host = to_host
        self.state: dict[str, str] = {}
        self.failed = False
        self._stop_token: str | None = None
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        with self._lock:
            match = COMMAND.match(text)
            if self._stop_token is not None:
                if match and match["name"] == self._stop_token:
                    self._stop_token = None
                self.keep(text)
            elif match:
                self.command(match["name"].lower(), properties_of(match["properties"]),
                             unescape(match["data"]), text)
            else:
                self.keep(text)

    def keep(self, text: str) -> None:
        for part in self.masks.apply(text).split("\n"):
            self.result.lines.append(part)
            self.sink(part)

    def command(self, name: str, properties: dict[str, str], data: str, raw: str) -> None:
        if name == "add-mask":
            self.masks.add(data)
            self.keep("::add-mask::***")
        elif name in ("notice", "warning", "error"):
            self.annotate(name, data, properties)
        elif name in ("group", "endgroup", "debug"):
            self.keep(f"##[{name}]{data}")
        elif name == "stop-commands":
            self._stop_token = data
            self.keep(raw)
        elif name == "save-state":
            self.state[properties.get("name", "")] = data
        elif name == "set-output":
            self.result.outputs[properties.get("name", "")] = data
        elif name in REMOVED:
            self.failed = True
            self.annotate("error", f"The `{name}` command is disabled.", {})
        elif name in ("add-matcher", "remove-matcher", "echo"):
            self.keep(raw)
        else:
            self.keep(raw)

    def annotate(self, level: str, message: str, properties: dict[str, str]) -> None:
        message = self.masks.apply(message)
        if "file" in properties:
            properties = {**properties, "file": self.to_host(properties["file"])}
        self.keep(f"##[{level}]{message}")
        same = sum(1 for a in self.result.annotations if a.level == level)
        if same < ANNOTATIONS_PER_LEVEL:
            self.result.annotations.append(
                Annotation(level, message[:MESSAGE_LIMIT], properties))
