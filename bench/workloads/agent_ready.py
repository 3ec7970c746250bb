"""How long an agent takes until it serves on a store, and on a tag, of N objects, and its resident memory then.
`agent_ready.py [--objects 100000] [--runs 5]`
"""

import argparse
import concurrent.futures
import http.client
import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import threading
import time

from pairs import HEARTH, work_folder


class Agent:
    def __init__(self, folder: pathlib.Path, store: pathlib.Path, backend: str):
        self.ready = folder / "ready.json"
        self.ready.unlink(missing_ok=True)
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [HEARTH, "agent", "--listen", "127.0.0.1:0", "--control", folder / "control.sock", "--store", store,
             "--backend", backend, "--tag", "ready", "--ready-file", self.ready, "--min-free-space", "0"],
            stderr=subprocess.DEVNULL)
        while not self.ready.exists():
            assert self.process.poll() is None, "the agent ended"
            time.sleep(0.001)
        self.seconds = time.monotonic() - begin
        self.port = int(json.loads(self.ready.read_text())["endpoint"].rpartition(":")[2])

    def resident_mib(self) -> float:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


def fill(agent: Agent, objects: int) -> None:
    local = threading.local()

    def put(i: int) -> None:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", agent.port)
        key = f"{i * 2654435761 % 2**32:064x}"
        local.connection.request("PUT", f"/sccache/a/b/c/{key}", body=f"object {i} ".encode() * 8)
        answer = local.connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(objects), chunksize=500))


def measure(name: str, runs: int, start) -> None:
    seconds, memory = [], []
    for _ in range(runs):
        agent = start()
        seconds.append(agent.seconds)
        memory.append(agent.resident_mib())
        agent.stop()
    print(json.dumps({"workload": name, "ready_ms": round(statistics.median(seconds) * 1000, 1),
                      "resident_mib": round(statistics.median(memory), 1)}), flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--objects", type=int, default=100_000)
    arguments.add_argument("--runs", type=int, default=5)
    given = arguments.parse_args()
    with work_folder() as name:
        folder = pathlib.Path(name)
        store, backend = folder / "store", f"disk://{folder}/backend"
        first = Agent(folder, store, backend)
        fill(first, given.objects)
        first.stop()
        measure(f"ready on a store of {given.objects:,} objects", given.runs,
                lambda: Agent(folder, store, "none"))

        def on_tag() -> Agent:
            shutil.rmtree(folder / "fresh", ignore_errors=True)
            return Agent(folder, folder / "fresh", backend)

        measure(f"ready on a tag of {given.objects:,} objects", given.runs, on_tag)


main()
