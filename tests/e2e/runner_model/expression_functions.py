"""The functions of `${{ }}` that need no job: text, JSON, lists and file hashes.

`hashFiles` is bound to a workspace with `hash_files_in`; the status functions
(`success()` and the like) belong to a running job and are given by it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import math
import os
import pathlib
import re
from typing import Any, Callable

STATUS_FUNCTIONS = ("success", "failure", "cancelled", "always")


def to_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dict):
        return "Object"
    if isinstance(value, list):
        return "Array"
    return str(value)


def to_json(value: Any) -> str:
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def contains(search: Any, item: Any) -> bool:
    if isinstance(search, list):
        wanted = to_text(item).casefold()
        return any(to_text(member).casefold() == wanted for member in search)
    return to_text(item).casefold() in to_text(search).casefold()


def format_text(template: Any, *values: Any) -> str:
    def replace(match: re.Match) -> str:
        if match.group() in ("{{", "}}"):
            return match.group()[0]
        return to_text(values[int(match.group(1))])
    return re.sub(r"\{\{|\}\}|\{(\d+)\}", replace, to_text(template))


def join(values: Any, separator: Any = ",") -> str:
    if not isinstance(values, list):
        return to_text(values)
    return to_text(separator).join(to_text(v) for v in values)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "tojson": to_json,
    "fromjson": lambda text: json.loads(to_text(text)),
    "contains": contains,
    "startswith": lambda t, s: to_text(t).casefold().startswith(to_text(s).casefold()),
    "endswith": lambda t, s: to_text(t).casefold().endswith(to_text(s).casefold()),
    "format": format_text,
    "join": join,
}


def hash_files_in(workspace: os.PathLike | str) -> Callable[..., str]:
    """`hashFiles(...)`: SHA-256 over the SHA-256 of each matching file, in the
    order of their paths; empty when nothing matches."""
    root = pathlib.Path(workspace)

    def hash_files(*patterns: Any) -> str:
        paths = [p for p in sorted(root.rglob("*")) if p.is_file()]
        chosen = [p for p in paths if selected(str(p.relative_to(root)), patterns)]
        if not chosen:
            return ""
        outer = hashlib.sha256()
        for path in chosen:
            outer.update(hashlib.sha256(path.read_bytes()).digest())
        return outer.hexdigest()

    return hash_files


def selected(relative: str, patterns: tuple[Any, ...]) -> bool:
    """A pattern that starts with `!` takes back what earlier ones chose."""
    wanted = False
    for line in "\n".join(to_text(p) for p in patterns).splitlines():
        line = line.strip()
        if line and matches(relative, line.lstrip("!").removeprefix("./")):
            wanted = not line.startswith("!")
    return wanted


def matches(relative: str, pattern: str) -> bool:
    expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    expression = expression.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    if re.fullmatch(expression, relative):
        return True
    return "/" not in pattern and "*" not in pattern and fnmatch.fnmatch(relative, pattern)
