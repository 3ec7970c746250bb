"""Requests a second of our HTTP server against nginx, interleaved: GET of cached objects, PUT of new ones.
`http_vs_nginx.py [--server hearth-agent|bench_http_server] [--rounds 5] [--seconds 1] [--connections 8]`

nginx serves and stores plain files (sendfile, two workers, dav_methods); both sides keep their files in the
same folder and get the same requests from wrk. A round measures both sides of every workload, in turning
order; what counts is the ratio of a round's two sides. The processor time a request takes on the server's
side is given as well: others on the machine change it little.
"""

import argparse
import dataclasses
import functools
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

from pairs import TOP, interval, work_folder

KIB = 1024
SIZES = {"4 KiB": 4 * KIB, "64 KiB": 64 * KIB, "1 MiB": KIB * KIB}
GOALS = {"GET": 0.9, "PUT": 1.5}
BUILD = pathlib.Path(os.environ.get("HEARTH_BUILD_DIR", TOP / "build/release"))

NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  client_max_body_size 16m; client_body_buffer_size 128k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2;
  uwsgi_temp_path {folder}/t3; scgi_temp_path {folder}/t4;
  server {{ listen 127.0.0.1:{port}; root {folder}/files;
           location / {{ dav_methods PUT; create_full_put_path on; }} }}
}}
"""

# Every request names another key; keys come again after a while, which bounds the space on both sides.
PUT_SCRIPT = """
local thread = 0
function setup(t) t:set("id", thread); thread = thread + 1 end
function init() n = 0; body = string.rep("hearth! ", {size} / 8) end
function request()
  n = (n + 1) % 1000
  return wrk.format("PUT", string.format("/sccache/p/u/t/%056x%08x", id, n), nil, body)
end
"""


@dataclasses.dataclass
class Side:
    process: subprocess.Popen
    port: int


def path_of(size: int) -> str:
    return f"/sccache/a/b/c/{size:064x}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert process.poll() is None and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_nginx(folder: pathlib.Path) -> Side:
    (folder / "files").mkdir(parents=True)
    port = free_port()
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(folder=folder, port=port, user=user))
    process = subprocess.Popen(["nginx", "-c", config, "-e", folder / "nginx.log"])
    wait_until(lambda: listens(port), process)
    return Side(process, port)


def start_ours(server: str, folder: pathlib.Path) -> Side:
    folder.mkdir()
    if server == "bench_http_server":
        process = subprocess.Popen([BUILD / "bin" / server, folder / "segment"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return Side(process, int(process.stdout.readline()))
    port, ready = free_port(), folder / "ready.json"
    process = subprocess.Popen([BUILD / "bin/hearth", "agent", "--listen", f"127.0.0.1:{port}", "--store",
                                folder / "store", "--backend", "none", "--tag", "bench", "--ready-file", ready],
                               stderr=subprocess.DEVNULL)
    wait_until(ready.exists, process)
    return Side(process, port)


def put(port: int, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", path, body=body)
    answer = connection.getresponse()
    answer.read()
    assert answer.status in (201, 204), f"PUT {path}: {answer.status}"
    connection.request("GET", path)
    assert connection.getresponse().read() == body, f"GET {path}: not what was put"


def processor_seconds(pid: int) -> float:
    """Of a process and its children."""
    proc = pathlib.Path(f"/proc/{pid}")
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    children = (proc / f"task/{pid}/children").read_text().split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) for child in children)


def load(side: Side, given: argparse.Namespace, what: list[str]) -> dict[str, float]:
    command = ["wrk", "-t2", f"-c{given.connections}", f"-d{given.seconds}s", *what]
    before = processor_seconds(side.process.pid)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    took = processor_seconds(side.process.pid) - before
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "cpu_us": took * 1e6 / int(re.search(r"(\d+) requests in", text)[1])}


def measure(sides: dict[str, Side], folder: pathlib.Path, given: argparse.Namespace) -> dict[str, list[dict]]:
    script = folder / "put.lua"
    script.write_text(PUT_SCRIPT.format(size=64 * KIB))
    workloads = {f"GET {name}": (lambda port, size=size: [f"http://127.0.0.1:{port}{path_of(size)}"])
                 for name, size in SIZES.items()}
    workloads["PUT 64 KiB"] = lambda port: ["-s", str(script), f"http://127.0.0.1:{port}/"]
    figures: dict[str, list[dict]] = {name: [] for name in workloads if name.startswith(given.only)}
    for turn in range(given.rounds):
        for name, rounds in figures.items():
            order = sorted(sides, reverse=bool(turn % 2))
            rounds.append({side: load(sides[side], given, workloads[name](sides[side].port)) for side in order})
            print(f"  round {turn + 1} {name}: " + ", ".join(
                f"{side} {figure['rate']:.0f}/s {figure['cpu_us']:.1f} us" for side, figure in rounds[-1].items()),
                file=sys.stderr, flush=True)
    return figures


def summarise(name: str, rounds: list[dict]) -> dict:
    ratios = [r["ours"]["rate"] / r["nginx"]["rate"] for r in rounds]
    low, high = interval(ratios)
    result = {"name": name, "ratio": round(statistics.median(ratios), 3), "low": round(low, 3),
              "high": round(high, 3), "goal": GOALS[name[:3]]}
    for side in ("ours", "nginx"):
        result[f"{side}_per_second"] = round(statistics.median(r[side]["rate"] for r in rounds))
        result[f"{side}_cpu_us"] = round(statistics.median(r[side]["cpu_us"] for r in rounds), 1)
    print("{name:>11}: {ratio:.2f} of nginx ({low:.2f} to {high:.2f}), goal {goal}; processor time a request "
          "{ours_cpu_us} us, nginx {nginx_cpu_us} us".format(**result), file=sys.stderr)
    return result


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--server", choices=("hearth-agent", "bench_http_server"), default="hearth-agent")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=1)
    arguments.add_argument("--connections", type=int, default=8)
    arguments.add_argument("--only", help="workloads whose name begins so, such as PUT", default="")
    given = arguments.parse_args()
    with work_folder() as name:
        folder = pathlib.Path(name)
        sides: dict[str, Side] = {}
        try:
            for side, start in (("nginx", start_nginx), ("ours", functools.partial(start_ours, given.server))):
                sides[side] = start(folder / side)
                for size in SIZES.values():
                    put(sides[side].port, path_of(size), os.urandom(size))
            figures = measure(sides, folder, given)
        finally:
            for side in sides.values():
                side.process.send_signal(signal.SIGTERM)
                side.process.wait(30)
    results = [summarise(name, rounds) for name, rounds in figures.items()]
    print(json.dumps({"workload": "http_vs_nginx", "server": given.server, "rounds": given.rounds,
                      "connections": given.connections, "results": results}), flush=True)
    return 0 if all(r["ratio"] >= r["goal"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
