"""500 agents poll a pointer of `hearth server` once a second with If-None-Match, each on a connection of its own, while a
writer publishes. How long answers take, and whether any answer is older than its question.
`server_pollers.py [--agents 500] [--seconds 30] [--publish-every 3]`
"""

import argparse
import asyncio
import pathlib
import random
import threading
import time

from pairs import work_folder
from servers import ADMIN, WORKSPACE, Client, Server, finish, say, server

GOAL_MS = 20.0
GOAL_STALE_SECONDS = 1.0


class History:
    """What was published when, and who saw it when."""

    def __init__(self) -> None:
        self.published: list[tuple[float, str]] = []
        self.latencies: list[float] = []
        self.stale: list[float] = []
        self.errors: list[str] = []
        self.changes_seen = 0

    def age_of(self, version: str, asked: float) -> float:
        """For how long a newer version had been published when somebody asked and got this one."""
        newer = [at for at, published in self.published[self.index_of(version) + 1:] if at <= asked]
        return asked - newer[0] if newer else 0.0

    def index_of(self, version: str) -> int:
        versions = [published for _, published in self.published]
        return versions.index(version) if version in versions else len(versions)  # its answer is on its way


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, etag: str) -> tuple[int, str]:
    condition = f"If-None-Match: {etag}\r\n" if etag else ""
    writer.write((f"GET /v2/workspaces/{WORKSPACE}/caches/tags/polled/pointer HTTP/1.1\r\nHost: bench\r\n"
                  f"Authorization: Bearer {ADMIN}\r\n{condition}\r\n").encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head.splitlines()[1:]}
    if (length := int(fields.get("content-length", "0"))) > 0:
        await reader.readexactly(length)
    return int(head.split(" ", 2)[1]), fields.get("etag", "")


async def poll(port: int, history: History, end: float) -> None:
    await asyncio.sleep(random.random())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    etag, due = "", time.monotonic()
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        asked = time.monotonic()
        try:
            status, etag_now = await ask(reader, writer, etag)
        except (OSError, asyncio.IncompleteReadError) as error:
            history.errors.append(repr(error))
            return
        history.latencies.append(time.monotonic() - asked)
        if status not in (200, 304):
            history.errors.append(str(status))
        history.changes_seen += bool(etag) and status == 200
        etag = etag_now or etag
        history.stale.append(history.age_of(etag.strip('"').removeprefix("p-"), asked))
        due += 1.0
    writer.close()


def publish(running: Server, history: History, every: float, stop: threading.Event) -> None:
    client, version = Client(running.port), "0"
    while True:
        version = client.publish("polled", f"content after {version}".encode(), version)
        history.published.append((time.monotonic(), version))
        if stop.wait(every * random.uniform(0.5, 1.5)):
            return


async def poll_all(port: int, history: History, given: argparse.Namespace) -> None:
    end = time.monotonic() + given.seconds
    await asyncio.gather(*(poll(port, history, end) for _ in range(given.agents)))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--agents", type=int, default=500)
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--publish-every", type=float, default=3)
    given = arguments.parse_args()
    history, stop = History(), threading.Event()
    with work_folder() as name, server(pathlib.Path(name) / "ours") as running:
        writer = threading.Thread(target=publish, args=(running, history, given.publish_every, stop))
        writer.start()
        while not history.published:
            time.sleep(0.01)
        asyncio.run(poll_all(running.port, history, given))
        stop.set()
        writer.join()
    ordered = sorted(history.latencies)
    at = lambda share: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)  # noqa: E731
    stalest = round(max(history.stale), 3)
    say(f"{len(ordered)} answers, {len(history.published)} publishes, {history.changes_seen} changes seen, "
        f"{len(history.errors)} errors {history.errors[:3]}")
    finish({"workload": "server pollers", "agents": given.agents, "answers": len(ordered),
            "publishes": len(history.published), "changes_seen": history.changes_seen,
            "errors": len(history.errors), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0),
            "stalest_seconds": stalest, "goal_ms": GOAL_MS, "goal_stale_seconds": GOAL_STALE_SECONDS},
           not history.errors and at(0.99) < GOAL_MS and stalest <= GOAL_STALE_SECONDS)


if __name__ == "__main__":
    main()
