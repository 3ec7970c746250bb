"""What goes wrong on request, and the count of every kind of call.

A fault is a rule, as JSON: `{"method": "blob.get", "nth": 2, "count": 1, "kind":
"truncate"}` hits the second `blob.get` after the rule was made; `"*"` is any method.
Kinds:
  status     answers `status` with `headers` and `body` instead of doing anything
  reset      closes the connection without doing anything
  lose       does what was asked, then closes the connection without an answer
  stall      sends nothing for `seconds`, then closes the connection
  truncate   sends the head and half of the body, then closes the connection
  flip       flips one bit in the middle of the body
  ok_false   answers 200 {"ok": false, "message": `body`}
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

KINDS = ("status", "reset", "lose", "stall", "truncate", "flip", "ok_false")


@dataclass
class Rule:
    method: str
    kind: str
    nth: int = 1
    count: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 1.0
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"'{self.kind}' is none of {', '.join(KINDS)}")


class Faults:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rules: list[Rule] = []
        self.calls: dict[str, int] = {}
        self.answers: dict[str, int] = {}

    def replace(self, rules: list[dict]) -> None:
        made = [Rule(**rule) for rule in rules]
        with self.lock:
            self.rules = made

    def call(self, method: str) -> Rule | None:
        """Counts a call; the rule that hits it, if any."""
        hit = None
        with self.lock:
            self.calls[method] = self.calls.get(method, 0) + 1
            for rule in self.rules:
                if rule.method in (method, "*"):
                    rule.seen += 1
                    if hit is None and rule.nth <= rule.seen < rule.nth + rule.count:
                        hit = rule
        return hit

    def answered(self, method: str, status: int) -> None:
        with self.lock:
            name = f"{method} {status}"
            self.answers[name] = self.answers.get(name, 0) + 1

    def counters(self) -> dict:
        """`service`: calls of the service itself; blobs are Azure's, not GitHub's."""
        with self.lock:
            service = sum(count for method, count in self.calls.items()
                          if not method.startswith("blob."))
            limited = sum(count for name, count in self.answers.items() if name.endswith(" 429"))
            return {"calls": dict(self.calls), "answers": dict(self.answers),
                    "service": service, "rate_limited": limited}

    def reset(self) -> None:
        with self.lock:
            self.rules = []
            self.calls = {}
            self.answers = {}
