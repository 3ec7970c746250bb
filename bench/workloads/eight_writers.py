"""Eight agents store objects of their own and publish them into one tag of a bucket at the same moment; then a ninth
reads everything. How much was lost, and what a conflict cost in calls. The service is versitygw.
`eight_writers.py [--writers 8] [--objects 10000]`
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pathlib
import re

from pairs import HEARTH, work_folder

os.environ.setdefault("HEARTH_BUILD_DIR", str(HEARTH.parents[1]))
from tests.agent.running import Agent  # noqa: E402  (after the path is set)
from tests.agent.s3_service import s3_service  # noqa: E402


CALLS_OF_A_PUBLISH = 3  # the pointer, the pack, the swap


def tag_calls(agent: Agent) -> dict[str, int]:
    """Calls but those that read packs, which are for seeing what others published, and how often it published."""
    text = agent.request("GET", "/metrics")[1].decode()
    calls = re.findall(r'^hearth_backend_calls_total\{operation="(\w+)"\} (\d+)$', text, re.MULTILINE)
    flushes = re.search(r"^hearth_publish_flushes_total (\d+)$", text, re.MULTILINE)
    return {"tag_calls": sum(int(count) for operation, count in calls if operation != "get"),
            "flushes": int(flushes[1])}


def key_of(number: int) -> str:
    return f"a/b/c/{number * 2654435761 % 2**32:064x}"


def body_of(number: int) -> bytes:
    return f"object {number} ".encode() * 40


def store(agent: Agent, numbers: range) -> None:
    for number in numbers:
        if agent.put(key_of(number), body_of(number)) != 201:
            raise AssertionError(f"object {number} was not stored")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--writers", type=int, default=8)
    arguments.add_argument("--objects", type=int, default=10_000)
    given = arguments.parse_args()
    share = given.objects // given.writers
    with work_folder() as name, s3_service(pathlib.Path(name)) as service:
        folder = pathlib.Path(name)
        os.environ.update(service.environment())

        def publish(agents: list[Agent]) -> list[dict]:
            with concurrent.futures.ThreadPoolExecutor(len(agents)) as pool:
                list(pool.map(lambda i: store(agents[i], range(i * share, (i + 1) * share)), range(len(agents))))
                list(pool.map(lambda agent: agent.command_line("flush"), agents))
                counted = list(pool.map(tag_calls, agents))
                figures = list(pool.map(lambda agent: agent.command_line("drain"), agents))
            for agent in agents:
                agent.process.wait(60)
            return [{**each, **more} for each, more in zip(figures, counted)]

        alone = publish([Agent(folder, "alone", backend=service.url("alone"))])[0]
        beginning = alone["tag_calls"] - CALLS_OF_A_PUBLISH * alone["flushes"]
        figures = publish([Agent(folder, f"writer{i}", backend=service.url("shared")) for i in range(given.writers)])
        reader = Agent(folder, "reader", backend=service.url("shared"))
        found = sum(reader.get(key_of(i)) == (200, body_of(i)) for i in range(share * given.writers))
        reader.close()
        conflicts = sum(each["conflicts"] for each in figures)
        # A conflict costs the swap that was refused and reading the pointer again.
        extra = sum(each["tag_calls"] - beginning - CALLS_OF_A_PUBLISH * each["flushes"] for each in figures)
        print(json.dumps({
            "workload": f"{given.writers} writers publish {share * given.writers:,} objects into one tag",
            "published": sum(each["published"] for each in figures), "pending": sum(each["pending"] for each in figures),
            "found_again": found, "conflicts": conflicts, "publishes": sum(each["flushes"] for each in figures),
            "extra_calls_per_conflict": round(extra / conflicts, 2) if conflicts else 0}), flush=True)


main()
