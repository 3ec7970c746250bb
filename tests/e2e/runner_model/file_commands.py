"""GITHUB_ENV, GITHUB_OUTPUT, GITHUB_STATE, GITHUB_PATH, GITHUB_STEP_SUMMARY.

Source: RW/FileCommandManager.cs: whichever of `=` and `<<` comes first decides;
a delimiter is the whole line and compared exactly; carriage returns stay; the
files are read after failure and cancellation too. Nothing is path-translated.
"""

from __future__ import annotations

import pathlib
import uuid
from dataclasses import dataclass, field

from .layout import Layout

SUMMARY_LIMIT_BYTES = 1024 * 1024
# Variable, file name prefix.
FILES = {
    "GITHUB_ENV": "set_env_",
    "GITHUB_OUTPUT": "set_output_",
    "GITHUB_STATE": "save_state_",
    "GITHUB_PATH": "add_path_",
    "GITHUB_STEP_SUMMARY": "step_summary_",
}
REFUSED_IN_ENV = ("NODE_OPTIONS",)


class FileCommandError(ValueError):
    """The step wrote what the runner refuses; the step fails with this text."""


@dataclass
class Written:
    env: dict[str, str] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    summary: str = ""
    errors: list[str] = field(default_factory=list)  # annotations; the step stays as it is
    failures: list[str] = field(default_factory=list)  # these fail the step


def pairs(text: str) -> dict[str, str]:
    """Parses `KEY=VALUE` lines and `KEY<<DELIMITER` blocks."""
    found: dict[str, str] = {}
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if line == "":
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            key, value = line[:equals], line[equals + 1:]
            if not key:
                raise FileCommandError(f"Invalid format '{line}'. Name must not be empty")
        elif heredoc >= 0 and (equals < 0 or heredoc < equals):
            key, delimiter = line[:heredoc], line[heredoc + 2:]
            if not key or not delimiter:
                raise FileCommandError(
                    f"Invalid format '{line}'. Name and delimiter must not be empty")
            block: list[str] = []
            while position < len(lines) and lines[position] != delimiter:
                block.append(lines[position])
                position += 1
            if position == len(lines):
                raise FileCommandError(
                    f"Invalid value. Matching delimiter not found '{delimiter}'")
            position += 1
            value = "\n".join(block)
        else:
            raise FileCommandError(f"Invalid format '{line}'")
        found[key] = value
    return found


class FileCommands:
    """The files of one stage of one step."""

    def __init__(self, layout: Layout):
        suffix = str(uuid.uuid4())
        self.paths: dict[str, pathlib.Path] = {}
        for variable, prefix in FILES.items():
            self.paths[variable] = layout.write(layout.file_commands / (prefix + suffix), "")

    def environment(self) -> dict[str, str]:
        return {variable: str(path) for variable, path in self.paths.items()}

    def collect(self) -> Written:
        written = Written()
        self._pairs("GITHUB_ENV", written.env, written)
        for name in [n for n in written.env if n.upper() in REFUSED_IN_ENV]:
            del written.env[name]
            written.failures.append(f"Can't store {name} output parameter using "
                                    "'$GITHUB_ENV' command.")
        self._pairs("GITHUB_OUTPUT", written.output, written)
        self._pairs("GITHUB_STATE", written.state, written)
        written.path = [p for p in self._text("GITHUB_PATH").splitlines() if p]
        summary = self._text("GITHUB_STEP_SUMMARY")
        size = len(summary.encode("utf-8", "surrogateescape"))
        if size > SUMMARY_LIMIT_BYTES:
            written.errors.append(f"$GITHUB_STEP_SUMMARY upload aborted, supports content up to "
                                  f"a size of {SUMMARY_LIMIT_BYTES // 1024}k, got {size // 1024}k")
        else:
            written.summary = summary
        for path in self.paths.values():
            path.unlink(missing_ok=True)
        return written

    def _text(self, variable: str) -> str:
        try:
            return self.paths[variable].read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return ""

    def _pairs(self, variable: str, target: dict[str, str], written: Written) -> None:
        try:
            target.update(pairs(self._text(variable)))
        except FileCommandError as error:
            written.failures.append(
                f"Unable to process file command '{variable[7:].lower()}' successfully. {error}")
