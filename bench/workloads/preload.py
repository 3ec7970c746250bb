"""Preloading a tag behind a network against `curl -o` of the same packs from the same service to the same disk.
`preload.py [--objects 26217] [--kib 39] [--delay-ms 20] [--rounds 5]`

The service is versitygw; a proxy in front of it holds every request up for the delay. Both sides fetch several
things at once (curl: --parallel, 6) and are measured in turning order; what counts is the ratio of a round.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time

from pairs import HEARTH, interval, work_folder

os.environ.setdefault("HEARTH_BUILD_DIR", str(HEARTH.parents[1]))
from tests.agent.s3_service import ACCESS_KEY, BUCKET, SECRET_KEY, S3Service  # noqa: E402  (after the path is set)

PIECE = 1 << 20


class DelayProxy:
    """Forwards connections; what clients send arrives `delay` later, answers pass at once, inside the kernel."""

    def __init__(self, to_port: int, delay: float):
        self.to_port = to_port
        self.delay = delay
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.to_port))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self.answers, args=(server, client), daemon=True).start()

    def requests(self, client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(1 << 16):
            time.sleep(self.delay)
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    @staticmethod
    def answers(server: socket.socket, client: socket.socket) -> None:
        read_end, write_end = os.pipe()
        try:
            while moved := os.splice(server.fileno(), write_end, PIECE):
                while moved:
                    moved -= os.splice(read_end, client.fileno(), moved)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # a side went away
        finally:
            os.close(read_end)
            os.close(write_end)


class Agent:
    def __init__(self, folder: pathlib.Path, name: str, backend: str, environment: dict[str, str]):
        self.ready = folder / f"{name}.json"
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [HEARTH, "agent", "--listen", "127.0.0.1:0", "--control", folder / f"{name}.sock", "--store",
             folder / name, "--backend", backend, "--tag", "preload", "--ready-file", self.ready,
             "--min-free-space", "0", "--max-size", "20GiB", "--preload-budget", "10GiB",
             "--preload-deadline", "600s", "--drain-deadline", "600s", "--log-level", "error"], env=environment)
        while not self.ready.exists():
            assert self.process.poll() is None, "the agent ended"
            time.sleep(0.002)
        self.seconds = time.monotonic() - begin
        self.port = int(json.loads(self.ready.read_text())["endpoint"].rpartition(":")[2])

    def peak_mib(self) -> float:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmHWM")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(700)


def fill(agent: Agent, objects: int, size: int) -> None:
    local = threading.local()

    def put(i: int) -> None:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", agent.port)
        local.connection.request("PUT", f"/sccache/a/b/c/{i:064x}", body=os.urandom(size))
        answer = local.connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(put, range(objects), chunksize=100))


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--objects", type=int, default=26_217)
    arguments.add_argument("--kib", type=int, default=39)
    arguments.add_argument("--delay-ms", type=float, default=20)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with work_folder() as name:
        folder = pathlib.Path(name)
        service = S3Service(folder)
        try:
            run(folder, service, given)
        finally:
            service.stop()


def run(folder: pathlib.Path, service: S3Service, given: argparse.Namespace) -> None:
    environment = service.environment()
    first = Agent(folder, "first", service.url(), environment)
    fill(first, given.objects, given.kib * 1024)
    first.stop()
    shutil.rmtree(folder / "first")
    packs = [name for name in service.objects() if "/packs/" in name]
    total = sum((service.data / BUCKET / pack).stat().st_size for pack in packs)
    proxy = DelayProxy(service.port, given.delay_ms / 1000)
    remote = service.url().replace(f":{service.port}", f":{proxy.port}")

    def curl() -> float:
        target = folder / "curl"
        target.mkdir()
        command = ["curl", "--silent", "--fail", "--parallel", "--parallel-max", "6",
                   "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{ACCESS_KEY}:{SECRET_KEY}",
                   "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]  # S3 wants it, curl 7.88 leaves it out
        for number, pack in enumerate(packs):
            command += ["-o", str(target / str(number)), f"http://127.0.0.1:{proxy.port}/{BUCKET}/{pack}"]
        begin = time.monotonic()
        subprocess.run(command, check=True)
        took = time.monotonic() - begin
        assert sum(path.stat().st_size for path in target.iterdir()) == total
        shutil.rmtree(target)
        return took

    peaks: list[float] = []

    def agent() -> float:
        fresh = Agent(folder, "fresh", remote, environment)
        peaks.append(fresh.peak_mib())
        copied = sum(path.stat().st_size for path in (folder / "fresh" / "copies").glob("*.pack"))
        assert copied == total, (copied, total)
        fresh.stop()
        shutil.rmtree(folder / "fresh")
        fresh.ready.unlink()
        return fresh.seconds

    ratios, seconds = [], {"curl": [], "agent": []}
    for turn in range(given.rounds):
        order = [curl, agent] if turn % 2 == 0 else [agent, curl]
        took = {side.__name__: side() for side in order}
        for side, value in took.items():
            seconds[side].append(value)
        ratios.append(took["agent"] / took["curl"])
    low, high = interval(ratios)
    print(json.dumps({"workload": "preload", "objects": given.objects, "kib": given.kib, "bytes": total,
                      "packs": len(packs), "delay_ms": given.delay_ms, "goal": 1.3,
                      "ratio": round(statistics.median(ratios), 3), "low": round(low, 3), "high": round(high, 3),
                      "curl_seconds": round(statistics.median(seconds["curl"]), 2),
                      "agent_seconds": round(statistics.median(seconds["agent"]), 2),
                      "peak_mib": round(max(peaks), 1)}), flush=True)


main()
