"""Key rows of `hearth server`: 26,000 rows of as many blobs in 13 requests, up to 8 in flight, each read back as soon as it
is answered; then a million rows, and what memory the server has by then. The blobs are uploaded before and not counted.
`server_rows.py [--rounds 3] [--batches 13] [--rows 1000000]`
"""

import argparse
import concurrent.futures
import pathlib
import statistics
import time

from pairs import work_folder
from servers import Client, Server, digest_of, finish, say, server

BATCH = 2000
BATCHES = 13
IN_FLIGHT = 8
STAGED = 500
GOAL_SECONDS = 2.0
GOAL_MIB = 400


def row(number: int, blob: bytes) -> dict:
    return {"namespace": "sccache", "scoped_key": f"sccache/a/b/c/{number * 2654435761 % 2**64:064x}",
            "blob_digest": digest_of(blob), "size_bytes": len(blob)}


def upload(running: Server, blobs: list[bytes]) -> None:
    parts = [blobs[i:i + STAGED] for i in range(0, len(blobs), STAGED)]
    with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(lambda part: Client(running.port).store(part), parts))


def write(running: Server, tag: str, batch: list[dict]) -> None:
    Client(running.port).call("POST", "/cache-kv-entries", {"tag": tag, "tags": [tag], "entries": batch})


def upsert(running: Server, tag: str, batches: list[list[dict]]) -> float:
    """Seconds until every batch was written and seen by a reader on another connection."""
    done = []

    def one(batch: list[dict]) -> None:
        write(running, tag, batch)
        done.append(len(batch))
        least = sum(done)
        rows = Client(running.port).call("GET", f"/cache-kv-entries?tag={tag}&summary=true")["entry_count"]
        assert rows >= least, f"{rows} rows are read where {least} were written"

    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(one, batches))
    return time.monotonic() - begin


def keys_of(running: Server, tag: str) -> tuple[int, float]:
    """How many different keys a full reading finds, and how long it takes."""
    client, keys, cursor = Client(running.port), set(), ""
    begin = time.monotonic()
    while True:
        page = client.call("GET", f"/cache-kv-entries?tag={tag}&limit=5000&cursor={cursor}")
        keys.update(entry["scoped_key"] for entry in page["entries"])
        cursor = page.get("next_cursor") or ""
        if not cursor:
            return len(keys), time.monotonic() - begin


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--batches", type=int, default=BATCHES, help="of 2,000 rows; fewer are for trying it out")
    arguments.add_argument("--rows", type=int, default=1_000_000)
    given = arguments.parse_args()
    with work_folder() as name, server(pathlib.Path(name) / "ours") as running:
        blobs = [f"object {number} ".encode() * 20 for number in range(BATCH * given.batches)]
        upload(running, blobs)
        batches = [[row(n, blobs[n]) for n in range(i * BATCH, (i + 1) * BATCH)] for i in range(given.batches)]
        took = []
        for turn in range(given.rounds):
            took.append(upsert(running, f"round-{turn}", batches))
            found, _ = keys_of(running, f"round-{turn}")
            assert found == BATCH * given.batches, f"{found} rows were read"
            say(f"round {turn + 1}: {took[-1]:.2f} s")
        begin = time.monotonic()
        numbers = [range(n, min(given.rows, n + BATCH)) for n in range(0, given.rows, BATCH)]
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(lambda some: write(running, "large", [row(n, blobs[n % len(blobs)]) for n in some]), numbers))
        summary = Client(running.port).call("GET", "/cache-kv-entries?tag=large&summary=true")
        assert summary["entry_count"] == given.rows, summary
        filled = time.monotonic() - begin
        found, reading = keys_of(running, "large")
        assert found == given.rows, f"{found} of {given.rows} rows were read"
        memory = running.memory_mib()
        say(f"{given.rows} rows in {filled:.0f} s, read in {reading:.1f} s; {memory}")
    seconds = statistics.median(took)
    finish({"workload": "server key rows", "upsert_seconds": round(seconds, 2), "all": [round(t, 2) for t in took],
            "goal_seconds": GOAL_SECONDS, "rows": given.rows, "fill_seconds": round(filled, 1),
            "read_seconds": round(reading, 1), "memory_mib": memory, "goal_mib": GOAL_MIB},
           seconds < GOAL_SECONDS and memory["VmHWM"] < GOAL_MIB)


if __name__ == "__main__":
    main()
