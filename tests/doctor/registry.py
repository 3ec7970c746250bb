"""The table of cases: a case is a function of a World that returns what the doctor says. Not a test itself."""

from __future__ import annotations

from typing import Callable

from tests.doctor.world import MAKE, World

FAILURES: list[tuple[str, str, Callable[[World], dict]]] = []  # name, rule, case
HEALTHY: list[tuple[str, Callable[[World], dict]]] = []


def failure(rule: str):
    def keep(case: Callable[[World], dict]):
        FAILURES.append((case.__name__, rule, case))
        return case
    return keep


def healthy(case: Callable[[World], dict]):
    HEALTHY.append((case.__name__, case))
    return case


def two_runs(world: World, first: dict[str, str], second: dict[str, str]) -> dict:
    world.run(*MAKE, env=first)
    world.clean()
    world.run(*MAKE, env=second)
    return world.doctor()


def two_cargo_runs(world: World, first: dict[str, str], second: dict[str, str]) -> dict:
    world.rust_project()
    world.cargo(env=first)
    world.clean()
    world.cargo(env=second)
    return world.doctor()
