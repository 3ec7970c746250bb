"""Makes the pictures of docs/images anew from real agents with made-up traffic: `python3 -m tests.agent.pictures`.
Nothing in them is drawn by hand; what they show is an agent on this machine."""

import argparse
import contextlib
import html
import os
import pathlib
import random
import tempfile
import textwrap
import threading
import time

from tests.agent.browser import Browser
from tests.agent.cache_server import CacheServer
from tests.agent.running import HEARTH, Agent
from tests.agent.server_traffic import publish, report_a_day
from tests.doctor.world import MAKE, World
from tests.e2e.images import install_packages

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 150_000
SECONDS = 40
CLIENTS = 4
COLUMNS = 100  # of a terminal


def key_of(number: int) -> str:
    digits = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}".ljust(64, "0")
    return f"{digits[0]}/{digits[1]}/{digits[2]}/{digits}"


def build(agent: Agent, seed: int, until: float) -> None:
    """What a compiler's cache asks: mostly what is there, and stores what is not."""
    chance = random.Random(seed)
    with contextlib.closing(agent.connection()) as connection:
        while time.monotonic() < until:
            fresh = chance.random() < 0.12
            key = f"/sccache/{key_of(chance.randrange(10_000, 10_000_000) if fresh else chance.randrange(400))}"
            connection.request("GET", key)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 404:
                connection.request("PUT", key, chance.randbytes(chance.randrange(2_000, 200_000)))
                connection.getresponse().read()
            time.sleep(chance.uniform(0.005, 0.06))


def picture(browser: Browser, path: pathlib.Path) -> None:
    path.parent.mkdir(exist_ok=True)
    browser.picture(path)
    size = path.stat().st_size
    print(path.name, size)
    if size > MOST_BYTES:
        raise SystemExit(f"{path} is too large for a page of the documentation: {size} bytes")


def live_page(folder: pathlib.Path) -> None:
    agent = Agent(folder)
    browser = Browser()
    try:
        browser.resize(1100, 760)
        browser.open(f"http://127.0.0.1:{agent.port}/")
        threads = [threading.Thread(target=build, args=(agent, seed, time.monotonic() + SECONDS))
                   for seed in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS - 2)
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            time.sleep(0.6)
            picture(browser, IMAGES / f"live-{scheme}.png")
        for thread in threads:
            thread.join()
    finally:
        browser.close()
        agent.close()


def server_page(folder: pathlib.Path) -> None:
    """Two weeks of a server, one after the other by a clock that is turned (libfaketime)."""
    install_packages("faketime")
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    chance = random.Random(5)
    for back in range(13, -1, -1):
        environment = {**os.environ, "LD_PRELOAD": str(library), "FAKETIME": f"-{back}d"}
        server = CacheServer(folder, environment=environment)
        if back == 13:
            for tag, size in (("rust-1.95.0-sccache-linux-x86_64", 90_000), ("cpp-sccache-linux-x86_64-release", 50_000),
                              ("cpp-sccache-linux-aarch64-release", 30_000)):
                publish(server, tag, chance.randbytes(size))
        lookups = chance.randrange(3_000, 9_000)
        rate = min(0.97, 0.62 + 0.03 * (13 - back) + chance.uniform(-0.05, 0.05))
        report_a_day(server, round(lookups * rate), round(lookups * (1 - rate)), sessions=chance.randrange(2, 5))
        if back > 0:
            server.close()
    token = server.new_token("restore", "--name", "team")
    browser = Browser()
    try:
        browser.resize(1100, 900)
        browser.prefer("light")
        browser.open(f"{server.endpoint}/")
        browser.wait_for("!document.querySelector('#sign-in').hidden")
        browser.type(token)
        browser.press("Enter")
        browser.wait_for_text("#connection", "as of")
        browser.ask("(() => { const days = document.querySelector('#days'); days.value = '14'; "
                    "days.dispatchEvent(new Event('change')); })()")
        time.sleep(1)
        picture(browser, IMAGES / "server.png")
    finally:
        browser.close()
        server.close()


def terminal(lines: list[str]) -> str:
    """Lines of a terminal as SVG, light or dark as the reader's system is. A line that begins with "$ " was typed."""
    width, height, margin = max(map(len, lines)), 19, 16
    rows = []
    for number, line in enumerate(lines):
        kind = "typed" if line.startswith("$ ") else "mark" if "(certain" in line or "(likely" in line else "said"
        rows.append(f'<text xml:space="preserve" class="{kind}" x="{margin}" y="{margin + 14 + number * height}">'
                    f"{html.escape(line)}</text>")
    size = f"{round(width * 7.83) + 2 * margin} {len(lines) * height + 2 * margin}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img">\n'
            f"<title>{html.escape(lines[0])}</title>\n<style>\n"
            "text { font: 13px ui-monospace, 'DejaVu Sans Mono', monospace; fill: #1d1f21 }\n"
            ".typed { font-weight: 700 } .mark { fill: #a63c14; font-weight: 700 } rect { fill: #f6f5f2; stroke: #d9d7d1 }\n"
            "@media (prefers-color-scheme: dark) { text { fill: #e8e6e3 } .mark { fill: #f0875a } "
            "rect { fill: #1f2225; stroke: #383c41 } }\n</style>\n"
            '<rect x="0.5" y="0.5" width="99.8%" height="99.5%" rx="8"/>\n' + "\n".join(rows) + "\n</svg>\n")


def doctor_verdict() -> None:
    """Of two real builds with the real sccache, between which a definition changed."""
    world = World()
    try:
        world.c_project(count=12)
        for stamp in ("20261121", "20261122"):
            world.clean()
            world.run(*MAKE, env={"CFLAGS": f"-O1 -DBUILD_DATE={stamp}"}, flags=("--explain",))
        said = world.call(HEARTH, "doctor", "--store", str(world.store), check=False).stdout
    finally:
        world.close()
    lines = ["$ hearth doctor", *said.replace(str(world.folder), "…").rstrip().splitlines()]
    lines = [part for line in lines for part in textwrap.wrap(
        line, COLUMNS, subsequent_indent=" " * 12, break_on_hyphens=False)]
    (IMAGES / "doctor.svg").write_text(terminal(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="*", choices=["live", "doctor", "server", []],
                        default=["live", "doctor", "server"])
    which = parser.parse_args().which
    IMAGES.mkdir(exist_ok=True)
    if "doctor" in which:
        doctor_verdict()
    for name, make in (("live", live_page), ("server", server_page)):
        if name in which:
            with tempfile.TemporaryDirectory(prefix="hearth-pictures-") as folder:
                make(pathlib.Path(folder))
