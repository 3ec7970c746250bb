"""What a job leaves behind for a test to look at."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Annotation:
    level: str  # notice, warning or error
    message: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class StepResult:
    """One stage of one step. `outcome` is before, `conclusion` after
    `continue-on-error`; both are success, failure, cancelled or skipped."""

    name: str
    id: str
    stage: str  # pre, main or post
    outcome: str = "skipped"
    conclusion: str = "skipped"
    exit_code: int | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def log(self) -> str:
        return "\n".join(self.lines)


@dataclass
class JobResult:
    name: str
    conclusion: str = "success"
    steps: list[StepResult] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)  # job env and GITHUB_ENV
    path: list[str] = field(default_factory=list)  # GITHUB_PATH, newest first
    lines: list[str] = field(default_factory=list)
    # Files in _temp that the runner's user could not delete when the job ended.
    temp_leftovers: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # files of _temp that a test asked for
    swept: list[str] = field(default_factory=list)  # orphans that were killed
    seconds: float = 0.0

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    @property
    def summary(self) -> str:
        return "\n".join(s.summary for s in self.steps if s.summary)

    @property
    def annotations(self) -> list[Annotation]:
        return [a for step in self.steps for a in step.annotations]

    def messages(self, level: str) -> list[str]:
        return [a.message for a in self.annotations if a.level == level]

    def step(self, name_or_id: str, stage: str = "main") -> StepResult:
        for found in self.steps:
            if found.stage == stage and name_or_id in (found.id, found.name):
                return found
        raise KeyError(f"no {stage} step {name_or_id!r}; there are "
                       f"{[(s.stage, s.id or s.name) for s in self.steps]}")
