"""The real agent under load and kills: clients store and read objects, the agent is killed
with SIGKILL or asked to end at random moments, and started again on the same store and
backend. Every byte served must be what was stored, nothing acknowledged may be lost,
and neither memory nor descriptors may grow. `soak.py [--seconds 600] [--binary PATH]`
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = 6


class Soak:
    def __init__(self, binary: pathlib.Path, folder: pathlib.Path):
        self.binary = binary
        self.folder = folder
        self.port = 0
        self.process: subprocess.Popen | None = None
        self.acknowledged: dict[str, str] = {}  # key -> SHA-256
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.counts = {"puts": 0, "gets": 0, "misses": 0, "interrupted": 0, "kills": 0, "ends": 0}
        self.wrong: list[str] = []

    def start(self) -> None:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [self.binary, "agent", "--listen", "127.0.0.1:0", "--store", self.folder / "store", "--backend",
             f"disk://{self.folder}/backend", "--tag", "soak", "--ready-file", ready, "--log-level", "error",
             "--max-size", "20GiB", "--min-free-space", "0", "--control", self.folder / "control.sock"])
        while not ready.exists():
            assert self.process.poll() is None, "the agent ended while starting"
            time.sleep(0.005)
        self.port = int(json.loads(ready.read_text())["endpoint"].rpartition(":")[2])

    def request(self, method: str, key: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/sccache/{key}", body=body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def client(self, number: int) -> None:
        chance = random.Random(number)
        while not self.stop.is_set():
            try:
                if chance.random() < 0.5 or not self.acknowledged:
                    self.put(chance, number)
                else:
                    self.get(chance)
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.counts["interrupted"] += 1
                time.sleep(0.02)

    def put(self, chance: random.Random, number: int) -> None:
        key = f"a/b/c/{number}-{chance.getrandbits(64):016x}"
        body = chance.randbytes(chance.choice((10, 4_000, 40_000, 400_000)))
        status, _ = self.request("PUT", key, body)
        if status == 201:
            with self.lock:
                self.acknowledged[key] = hashlib.sha256(body).hexdigest()
                self.counts["puts"] += 1

    def get(self, chance: random.Random) -> None:
        with self.lock:
            key = chance.choice(list(self.acknowledged)[-5000:])
            digest = self.acknowledged[key]
        status, body = self.request("GET", key)
        with self.lock:
            self.counts["gets"] += 1
            if status == 404:
                self.counts["misses"] += 1
                self.wrong.append(f"lost {key}")
            elif status != 200 or hashlib.sha256(body).hexdigest() != digest:
                self.wrong.append(f"wrong answer {status} for {key}")

    def resources(self) -> tuple[int, int]:
        process = pathlib.Path(f"/proc/{self.process.pid}")
        rss = next(int(line.split()[1]) for line in (process / "status").read_text().splitlines()
                   if line.startswith("VmRSS:"))
        return rss, len(list((process / "fd").iterdir()))

    def run(self, seconds: float) -> None:
        self.start()
        clients = [threading.Thread(target=self.client, args=(n,)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.wrong:
            time.sleep(random.uniform(1, 8))
            kill = random.random() < 0.7
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self.process.wait(120)
            self.counts["kills" if kill else "ends"] += 1
            self.start()
            rss, descriptors = self.resources()
            print(json.dumps({**self.counts, "rss_mib": rss // 1024, "descriptors": descriptors}), flush=True)
        self.stop.set()
        for client in clients:
            client.join()
        self.verify()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    def verify(self) -> None:
        for key, digest in self.acknowledged.items():
            status, body = self.request("GET", key)
            if status != 200 or hashlib.sha256(body).hexdigest() != digest:
                self.wrong.append(f"at the end: {status} for {key}")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--binary", type=pathlib.Path, default=TOP / "build" / "release" / "bin" / "hearth")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="hearth-soak-") as name:
        soak = Soak(given.binary, pathlib.Path(name))
        soak.run(given.seconds)
    print(json.dumps(soak.counts))
    if soak.wrong:
        raise SystemExit("\n".join(soak.wrong[:20]))


if __name__ == "__main__":
    main()
