"""The contexts of expressions and the GITHUB_* and RUNNER_* variables.

Sources: RW/GitHubContext.cs (which keys become variables), RW/RunnerContext.cs,
RW/JobRunner.cs, RW/JobExtension.cs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from .layout import Layout

GITHUB_VARIABLES = (
    "action", "action_ref", "action_repository", "actor", "actor_id", "api_url", "base_ref",
    "event_name", "event_path", "graphql_url", "head_ref", "job", "ref", "ref_name",
    "ref_protected", "ref_type", "repository", "repository_id", "repository_owner",
    "repository_owner_id", "retention_days", "run_attempt", "run_id", "run_number", "server_url",
    "sha", "triggering_actor", "workflow", "workflow_ref", "workflow_sha", "workspace")


@dataclass
class Event:
    """What started the workflow; `payload` is the event.json."""

    name: str = "push"
    ref: str = "refs/heads/main"
    base_ref: str = ""
    head_ref: str = ""
    sha: str = ""
    run_id: str = "1234567890"
    run_attempt: str = "1"
    payload: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(value: "Event | dict[str, Any] | None") -> "Event":
        if isinstance(value, Event):
            return value
        return Event(**(value or {}))


def event_payload(event: Event, repository: str) -> dict[str, Any]:
    """A push to a public repository, with what the test asked for on top."""
    owner = repository.split("/")[0]
    payload = {
        "ref": event.ref,
        "repository": {"full_name": repository, "private": False, "default_branch": "main",
                       "fork": False, "owner": {"login": owner}},
        "sender": {"login": owner},
    }
    payload.update(event.payload)
    return payload


def github_context(layout: Layout, event: Event, repository: str, **facts: str) -> dict[str, Any]:
    owner = repository.split("/")[0]
    sha = event.sha or hashlib.sha1(event.ref.encode()).hexdigest()
    branch = event.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    branch = branch.removeprefix("refs/pull/")
    return {
        "actor": owner, "actor_id": "1", "api_url": "https://api.github.com",
        "base_ref": event.base_ref, "event": event_payload(event, repository),
        "event_name": event.name, "event_path": str(layout.github_workflow / "event.json"),
        "graphql_url": "https://api.github.com/graphql", "head_ref": event.head_ref,
        "job": facts["job"], "ref": event.ref, "ref_name": branch, "ref_protected": "false",
        "ref_type": "tag" if event.ref.startswith("refs/tags/") else "branch",
        "repository": repository, "repository_id": "1", "repository_owner": owner,
        "repository_owner_id": "1", "retention_days": "90", "run_attempt": event.run_attempt,
        "run_id": event.run_id, "run_number": "7", "server_url": "https://github.com",
        "sha": sha, "token": facts["token"], "triggering_actor": owner,
        "workflow": facts["workflow"], "workflow_sha": sha,
        "workflow_ref": f"{repository}/.github/workflows/{facts['file']}@{event.ref}",
        "workspace": str(layout.workspace),
    }


def runner_context(layout: Layout, environment: str, arch: str, debug: bool) -> dict[str, str]:
    context = {"os": "Linux", "arch": arch, "name": layout.folder.name,
               "environment": environment, "tool_cache": str(layout.tools),
               "temp": str(layout.temp), "workspace": str(layout.runner_workspace)}
    return {**context, "debug": "1"} if debug else context


def github_variables(github: dict[str, Any]) -> dict[str, str]:
    return {f"GITHUB_{name.upper()}": str(github[name]) for name in GITHUB_VARIABLES
            if github.get(name) is not None}


def runner_variables(runner: dict[str, str]) -> dict[str, str]:
    return {f"RUNNER_{name.upper()}": value for name, value in runner.items()}


def write_event(layout: Layout, github: dict[str, Any]) -> None:
    layout.write(layout.github_workflow / "event.json", json.dumps(github["event"], indent=2))
