"""`${{ }}` expressions: tokens, grammar and evaluation.

Follows actions/runner src/Sdk/DTExpressions2: loose equality with numbers as
the common ground, strings compared without case, `&&` and `||` returning an
operand, missing properties being null, and `.*` filtering.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Mapping

from .expression_functions import FUNCTIONS, STATUS_FUNCTIONS, to_text

TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<number>[-+]?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))
  | (?P<string>'(?:[^']|'')*')
  | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
  | (?P<operator>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*])
""", re.VERBOSE)

KEYWORDS = {"true": True, "false": False, "null": None, "NaN": math.nan, "Infinity": math.inf}


class ExpressionError(ValueError):
    """The text is no expression, or names what does not exist."""


class Filtered(list):
    """What `.*` yields: a later `.name` is applied to each member."""


def tokens_of(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise ExpressionError(f"unexpected {text[position:position + 10]!r} in {text!r}")
        position = match.end()
        kind = match.lastgroup or ""
        # A sign is part of a number only where no operand can stand before it.
        if kind != "space":
            found.append((kind, match.group()))
    return found


class Evaluator:
    """Parses and evaluates in one pass; operands of `&&` and `||` that do not
    matter are still parsed, with `active` off, so that they have no effect."""

    def __init__(self, contexts: Mapping[str, Any],
                 functions: Mapping[str, Callable[..., Any]] | None = None):
        self.contexts = {name.lower(): value for name, value in contexts.items()}
        self.functions = dict(FUNCTIONS)
        self.functions.update({n.lower(): f for n, f in (functions or {}).items()})

    def evaluate(self, text: str) -> Any:
        self.text, self.tokens, self.position, self.active = text, tokens_of(text), 0, True
        if not self.tokens:
            return ""
        value = self.either()
        if self.position != len(self.tokens):
            raise ExpressionError(f"unexpected {self.peek()!r} in {text!r}")
        return value

    def peek(self) -> str:
        return self.tokens[self.position][1] if self.position < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> tuple[str, str]:
        if self.position >= len(self.tokens):
            raise ExpressionError(f"{self.text!r} ends too early")
        token = self.tokens[self.position]
        if expected is not None and token[1] != expected:
            raise ExpressionError(f"expected {expected!r}, found {token[1]!r} in {self.text!r}")
        self.position += 1
        return token

    def short_circuit(self, operand: Callable[[], Any], operator: str, decided: bool) -> Any:
        value = operand()
        while self.peek() == operator:
            self.take()
            before = self.active
            done = truthy(value) is decided
            self.active = before and not done
            other = operand()
            self.active = before
            value = value if done else other
        return value

    def either(self) -> Any:
        return self.short_circuit(self.both, "||", True)

    def both(self) -> Any:
        return self.short_circuit(self.equality, "&&", False)

    def equality(self) -> Any:
        value = self.relation()
        while self.peek() in ("==", "!="):
            operator = self.take()[1]
            same = equal(value, self.relation())
            value = same if operator == "==" else not same
        return value

    def relation(self) -> Any:
        value = self.negation()
        while self.peek() in ("<", ">", "<=", ">="):
            value = ordered(value, self.take()[1], self.negation())
        return value

    def negation(self) -> Any:
        if self.peek() == "!":
            self.take()
            return not truthy(self.negation())
        return self.postfix()

    def postfix(self) -> Any:
        value = self.primary()
        while self.peek() in (".", "["):
            if self.take()[1] == ".":
                kind, name = self.take()
                if kind != "name" and name != "*":
                    raise ExpressionError(f"unexpected {name!r} after '.' in {self.text!r}")
                value = members(value) if name == "*" else index(value, name)
            elif self.peek() == "*":
                self.take()
                self.take("]")
                value = members(value)
            else:
                key = self.either()
                self.take("]")
                value = index(value, key)
        return value

    def primary(self) -> Any:
        kind, text = self.take()
        if text == "(":
            value = self.either()
            self.take(")")
            return value
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return number_of(text)
        if kind == "name":
            if self.peek() == "(":
                return self.call(text)
            if text in KEYWORDS:
                return KEYWORDS[text]
            if text.lower() not in self.contexts:
                raise ExpressionError(f"Unrecognized named-value: '{text}' in {self.text!r}")
            return self.contexts[text.lower()]
        raise ExpressionError(f"unexpected {text!r} in {self.text!r}")

    def call(self, name: str) -> Any:
        self.take("(")
        arguments = []
        while self.peek() != ")":
            arguments.append(self.either())
            if self.peek() != ")":
                self.take(",")
        self.take(")")
        function = self.functions.get(name.lower())
        if function is None:
            raise ExpressionError(f"Unrecognized function: '{name}' in {self.text!r}")
        return function(*arguments) if self.active else None


def truthy(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return True
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value)


def number_of(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    if not isinstance(value, str):
        return math.nan
    text = value.strip()
    try:
        if text[:2] in ("0x", "0o"):
            return float(int(text, 0))
        return float(text) if text else 0.0
    except ValueError:
        return math.nan


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, (dict, list)) or isinstance(right, (dict, list)):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if left is None and right is None:
        return True
    return number_of(left) == number_of(right)


def ordered(left: Any, operator: str, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    else:
        left, right = number_of(left), number_of(right)
    return {"<": left < right, ">": left > right,
            "<=": left <= right, ">=": left >= right}[operator]


def index(value: Any, key: Any) -> Any:
    if isinstance(value, Filtered):
        return Filtered(v for v in (index(member, key) for member in value) if v is not None)
    if isinstance(value, Mapping):
        wanted = to_text(key).casefold()
        for name, member in value.items():
            if str(name).casefold() == wanted:
                return member
    elif isinstance(value, list):
        position = number_of(key)
        if not math.isnan(position) and 0 <= int(position) < len(value):
            return value[int(position)]
    return None


def members(value: Any) -> Filtered:
    if isinstance(value, Filtered):
        return Filtered(inner for outer in value for inner in members(outer))
    if isinstance(value, Mapping):
        return Filtered(value.values())
    return Filtered(value) if isinstance(value, list) else Filtered()


EMBEDDED = re.compile(r"\$\{\{((?:[^'}]|'(?:[^']|'')*'|\}(?!\}))*)\}\}", re.DOTALL)


def interpolate(value: Any, evaluator: Evaluator) -> Any:
    """Evaluates what a YAML value embeds. A value that is one expression and
    nothing else keeps the expression's type."""
    if isinstance(value, dict):
        return {k: interpolate(v, evaluator) for k, v in value.items()}
    if isinstance(value, list):
        return [interpolate(v, evaluator) for v in value]
    if not isinstance(value, str) or "${{" not in value:
        return value
    whole = EMBEDDED.fullmatch(value.strip())
    if whole:
        return evaluator.evaluate(whole.group(1).strip())
    return EMBEDDED.sub(lambda m: to_text(evaluator.evaluate(m.group(1).strip())), value)


def condition(text: Any, evaluator: Evaluator, default: str = "success()") -> bool:
    """An `if:`: braces are optional, and `success() &&` is implied unless the
    expression calls a status function itself."""
    if text is None or text == "":
        text = default
    text = to_text(text).strip()
    whole = EMBEDDED.fullmatch(text)
    if whole:
        text = whole.group(1).strip()
    elif "${{" in text:
        text = to_text(interpolate(text, evaluator))
        return truthy(text) and truthy(evaluator.evaluate("success()"))
    outside_strings = re.sub(r"'(?:[^']|'')*'", "''", text)
    if not re.search(rf"\b({'|'.join(STATUS_FUNCTIONS)})\s*\(", outside_strings, re.IGNORECASE):
        text = f"success() && ({text})"
    return truthy(evaluator.evaluate(text))
