"""What the launcher's tests stand on: a job folder with launcher, configuration and store, and a scripted server."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from webdav_stub import Stub

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.e2e import tools  # noqa: E402

BUILD = pathlib.Path(os.environ["HEARTH_BUILD_DIR"])
LAUNCHER = BUILD / "bin/sccache-launcher"
RECORD = struct.Struct("<QqqQ6I")  # agent/launcher/record.hpp
RECORD_MAGIC = int.from_bytes(b"HERTHL01", "little")


class Stand:
    """One job: `folder/bin/sccache` is the launcher. Ends the servers it finds with its socket."""

    def __init__(self, protocol="0.16", agent=None, token="sesame"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hl-"))
        self.real = tools.sccache()
        self.store = Stub(token)
        self.socket = self.folder / "sock"
        self.work = self.folder / "work"
        self.work.mkdir()
        (self.folder / "bin").mkdir()
        self.program = self.folder / "bin/sccache"
        shutil.copy(LAUNCHER, self.program)
        self.configure(protocol=protocol, agent=agent or self.store.address)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCCACHE_", "CARGO_"))}
        self.environment = {**kept, "PATH": f"{self.folder}/bin:{kept['PATH']}"}
        for name in ("MAKEFLAGS", "RUSTC_WRAPPER"):
            self.environment.pop(name, None)

    def configure(self, **changes):
        lines = {
            "real": self.real,
            "socket": self.socket,
            "lock": self.folder / "lock",
            "state": self.folder / "events",
            "log": self.folder / "log",
            "agent": self.store.address,
            "protocol": "0.16",
            "env.SCCACHE_WEBDAV_ENDPOINT": f"http://{self.store.address}/sccache",
            "env.SCCACHE_WEBDAV_TOKEN": self.store.token,
            "env.SCCACHE_IDLE_TIMEOUT": "0",
            "env.NO_PROXY": "127.0.0.1",
            **changes,
        }
        text = "# written by a test\n\n" + "".join(f"{key}={value}\n" for key, value in lines.items())
        (self.folder / "bin/launcher.conf").write_text(text)

    def start(self, *arguments, program=None, env=None, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.work, **options}
        command = [program or self.program, *arguments]
        return subprocess.Popen(command, env={**self.environment, **(env or {})}, **options)

    def run(self, *arguments, standard_input=None, timeout=60, **options):
        if standard_input is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **options)
        try:
            output, errors = process.communicate(standard_input, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def run_real(self, *arguments, env=None, **options):
        ours = {"SCCACHE_SERVER_UDS": str(self.socket), **(env or {})}
        return self.run(*arguments, program=self.real, env=ours, **options)

    def source(self, name, text):
        (self.work / name).write_text(text)
        return name

    def events(self):
        file = self.folder / "events"
        return file.read_text().splitlines() if file.exists() else []

    def words(self):
        """The events without what differs from run to run."""
        return [line.split(" ")[0] if line.startswith(("started", "restarted")) else line for line in self.events()]

    def statistics(self):
        return json.loads(self.run_real("--show-stats", "--stats-format=json").stdout)

    def servers(self):
        """Process ids of all servers with our socket."""
        found = []
        wanted = f"SCCACHE_SERVER_UDS={self.socket}".encode()
        for entry in pathlib.Path("/proc").iterdir():
            try:
                variables = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
            except OSError:
                continue
            if wanted in variables and b"SCCACHE_START_SERVER=1" in variables:
                found.append(int(entry.name))
        return found

    def kill_servers(self):
        for process in self.servers():
            os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while self.servers() or self.answers():  # a dying process keeps its socket a moment longer
            assert time.monotonic() < deadline, "the server survives SIGKILL"
            time.sleep(0.005)

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def write_record(self, retry_at_ms=0, starts=0, failed_starts=0, noticed=0):
        fields = (RECORD_MAGIC, retry_at_ms, 0, 0, starts, failed_starts, 0, noticed, 0, 0)
        (self.folder / "lock").write_bytes(RECORD.pack(*fields))

    def close(self):
        self.kill_servers()
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


STARTED = frame(struct.pack("<II", 0, 0))
UNHANDLED = frame(struct.pack("<II", 0, 1))


def unsupported(text):
    return frame(struct.pack("<IIIQ", 0, 2, 0, len(text)) + text)


def finished(code=0, killed_by=None, output=b"", errors=b"", color=2):
    status = b"".join(b"\0" if value is None else struct.pack("<Bi", 1, value) for value in (code, killed_by))
    texts = b"".join(struct.pack("<Q", len(text)) + text for text in (output, errors))
    return frame(struct.pack("<I", 5) + status + texts + struct.pack("<I", color))


class ScriptedServer:
    """Answers every request on a stand's socket with `reply`, and keeps what it was asked."""

    def __init__(self, stand, reply):
        self.reply = reply
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(stand.socket))
        self.listener.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(self.read_request(connection))
                with contextlib.suppress(OSError):  # a client may leave without asking
                    for part in self.reply if isinstance(self.reply, list) else [self.reply]:
                        connection.sendall(part)

    @staticmethod
    def read_request(connection):
        data = b""
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            more = connection.recv(65536)
            if not more:
                break
            data += more
        return data

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
