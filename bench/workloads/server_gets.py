"""GET of one blob through its signed URL from `hearth server`, and of the same bytes from nginx as a plain file, with 64
connections; rounds in turning order. `server_gets.py [--rounds 5] [--seconds 2] [--connections 64] [--size 65536]`
"""

import argparse
import os
import pathlib
import signal

from http_vs_nginx import Side, load, path_of, put, start_nginx
from pairs import interval, work_folder
from servers import Client, digest_of, finish, say, server

GOAL = 0.8


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=2)
    arguments.add_argument("--connections", type=int, default=64)
    arguments.add_argument("--size", type=int, default=64 * 1024)
    given = arguments.parse_args()
    content = os.urandom(given.size)
    with work_folder() as name, server(pathlib.Path(name) / "ours") as running:
        nginx = start_nginx(pathlib.Path(name) / "nginx")
        try:
            put(nginx.port, path_of(given.size), content)
            client = Client(running.port)
            client.store([content])
            places = client.call("POST", "/caches/blobs/download-urls",
                                 {"blobs": [{"digest": digest_of(content), "size_bytes": len(content)}]})
            sides = {"nginx": (nginx, f"http://127.0.0.1:{nginx.port}{path_of(given.size)}"),
                     "ours": (Side(running.process, running.port), places["download_urls"][0]["url"])}
            rounds = []
            for turn in range(given.rounds):
                order = sorted(sides, reverse=bool(turn % 2))
                rounds.append({side: load(sides[side][0], given, [sides[side][1]]) for side in order})
                say(f"round {turn + 1}: " + ", ".join(
                    f"{side} {figure['rate']:.0f}/s {figure['cpu_us']:.1f} us" for side, figure in rounds[-1].items()))
        finally:
            nginx.process.send_signal(signal.SIGTERM)
            nginx.process.wait(30)
    ratios = sorted(r["ours"]["rate"] / r["nginx"]["rate"] for r in rounds)
    low, high = interval(ratios)
    ratio = ratios[len(ratios) // 2]
    middle = {side: {key: round(sorted(r[side][key] for r in rounds)[len(rounds) // 2], 1) for key in ("rate", "cpu_us")}
              for side in sides}
    finish({"workload": "server GET", "bytes": given.size, "connections": given.connections, "rounds": given.rounds,
            "goal": GOAL, "ratio": round(ratio, 3), "low": round(low, 3), "high": round(high, 3), **middle},
           ratio >= GOAL)


if __name__ == "__main__":
    main()
