#!/usr/bin/env python3
"""Writes run-history-v1.bin from docs/formats.md alone, sharing no code with the program.

Run it only when a new version of the format is added, under a new name: this file never changes.
tests/publish/run_history_test.cpp holds the program against it.
"""

import pathlib
import struct

NOT_KNOWN = 2**64 - 1
RUNS = [
    (0x1122334455667788, 1_763_700_000_123, 61_500, 0, 412, NOT_KNOWN, b"1234-1"),
    (7, 1_763_700_600_000, 0, 402, 10, 184_000, b"1235-1"),
    (8, 1_763_700_600_000, 30_000, 3, 0, 250, b""),
]


def main():
    out = struct.pack("<HH", 1, len(RUNS))
    for job, ended, took, hits, misses, saved, run in RUNS:
        out += struct.pack("<QQQIIQH", job, ended, took, hits, misses, saved, len(run)) + run
    (pathlib.Path(__file__).parent / "run-history-v1.bin").write_bytes(out)


if __name__ == "__main__":
    main()
