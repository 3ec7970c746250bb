"""Runs a command and writes its wall time and processor time as JSON: its own, its
children's, that of the sccache server it used, and of `hearth run` where that is the
parent. `timed.py OUT COMMAND…`
"""

import json
import os
import pathlib
import resource
import socket
import struct
import subprocess
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def server_pid() -> int:
    """The process behind SCCACHE_SERVER_UDS."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(os.environ.get("SCCACHE_SERVER_UDS", ""))
    except OSError:
        return 0
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", peer)[0]


def main() -> int:
    out, command = sys.argv[1], sys.argv[2:]
    parent = os.getppid()
    is_hearth = pathlib.Path(f"/proc/{parent}/comm").read_text().strip() == "hearth"
    agent_before = seconds_of(parent) if is_hearth else 0.0
    begin = time.monotonic()
    done = subprocess.run(command, check=False)
    wall = time.monotonic() - begin
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = children.ru_utime + children.ru_stime + seconds_of(server_pid())
    if is_hearth:
        cpu += seconds_of(parent) - agent_before
    pathlib.Path(out).write_text(json.dumps({"wall": wall, "cpu": cpu}))
    return done.returncode


sys.exit(main())
