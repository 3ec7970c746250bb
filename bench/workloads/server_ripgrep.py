"""Warm ripgrep through an agent and `hearth server`, 20 ms away, against the same with a folder as backend and no way at
all. The way is a proxy that holds back every byte for half of the round trip in each direction; connecting takes a whole
one. `server_ripgrep.py [--warm 6] [--round-trip-ms 20]`
"""

import argparse
import asyncio
import os
import pathlib
import shutil
import threading

from pairs import HEARTH, Sides, interleave, report, work_folder
from servers import ADMIN, WORKSPACE, server

os.environ.setdefault("HEARTH_BUILD_DIR", str(HEARTH.parents[1]))
from tests.e2e import inputs  # noqa: E402  (after the path is set)

GOAL = 1.10
PIECE = 1 << 18


class Distance:
    """A proxy on loopback; its threads end with the process."""

    def __init__(self, port: int, seconds: float):
        self.behind = port
        self.seconds = seconds
        self.port = 0
        self.started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True).start()
        assert self.started.wait(10)

    async def serve(self) -> None:
        listening = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        self.started.set()
        await listening.serve_forever()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.seconds)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        await asyncio.gather(self.carry(reader, there_writer), self.carry(there_reader, writer))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Bytes arrive in order, each half a round trip later; how many are on the way at once is not limited."""
        loop, on_the_way = asyncio.get_running_loop(), asyncio.Queue()

        async def deliver() -> None:
            while (due_and_bytes := await on_the_way.get()) is not None:
                due, some = due_and_bytes
                await asyncio.sleep(max(0.0, due - loop.time()))
                writer.write(some)
                await writer.drain()

        delivering = asyncio.create_task(deliver())
        try:
            while some := await reader.read(PIECE):
                on_the_way.put_nowait((loop.time() + self.seconds / 2, some))
            on_the_way.put_nowait(None)
            await delivering
        except OSError:
            delivering.cancel()
        finally:
            writer.close()


class TwoBackends(Sides):
    """`local` is an agent over a folder here, the other one over the distant server."""

    def __init__(self, folder: pathlib.Path, where: pathlib.Path, distance: Distance):
        super().__init__(folder, ["cargo", "build", "--offline", "--quiet"], where)
        self.near = self.backend
        self.distant = f"boringcache://127.0.0.1:{distance.port}/{WORKSPACE}"

    def through(self, backend: str) -> dict[str, float]:
        self.backend = backend
        return super().through_hearth()

    def local(self) -> dict[str, float]:
        return self.through(self.near)

    def through_hearth(self) -> dict[str, float]:
        return self.through(self.distant)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--warm", type=int, default=6)
    arguments.add_argument("--round-trip-ms", type=float, default=20)
    given = arguments.parse_args()
    os.environ["BORINGCACHE_ADMIN_TOKEN"] = ADMIN
    with work_folder() as name, server(pathlib.Path(name) / "server") as running:
        folder = pathlib.Path(name)
        project = folder / "ripgrep"
        shutil.copytree(inputs.ripgrep(), project, symlinks=True)
        sides = TwoBackends(folder, project, Distance(running.port, given.round_trip_ms / 1000))

        def clean() -> None:
            shutil.rmtree(project / "target", ignore_errors=True)

        for fill in (sides.local, sides.through_hearth):
            clean()
            fill()
        pairs = interleave(sides, given.warm, clean)
        assert sides.summary["misses"] == 0, sides.summary
        report("warm ripgrep, server 20 ms away", GOAL, pairs,
               {"round_trip_ms": given.round_trip_ms, "backend_calls": sides.summary["backend_calls"]})


if __name__ == "__main__":
    main()
