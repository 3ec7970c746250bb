#!/usr/bin/env python3
"""Writes touch-set-v1.bin and manifest-removed-v1.bin from docs/formats.md alone, sharing no code with the program.

Run it only when a new version of a format is added, under a new name: these files never change.
tests/publish/touch_set_test.cpp and manifest_test.cpp hold the program against them.
"""

import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent


def touch_set():
    recorded = [20_400, 20_410, 20_411]
    head = struct.pack("<HHHH", 1, 0, 20_400, len(recorded))
    head += struct.pack("<3H", *recorded) + struct.pack("<I", 2)
    # Ten objects: eight of day 20410, of the others one of day 20399 and one of day 20411.
    first = bytes([0x11]) * 32 + struct.pack("<IHH", 10, 20_410, 2)
    first += struct.pack("<HB", 20_399, 1) + bytes([0b0000_0100, 0])
    first += struct.pack("<HB", 20_411, 1) + bytes([0, 0b0000_0010])
    # A hundred objects: all but one of day 20411.
    second = bytes([0x22]) * 32 + struct.pack("<IHH", 100, 20_411, 1)
    second += struct.pack("<HB", 20_400, 2) + struct.pack("<II", 1, 42)
    return head + first + second


def section(kind, flags, payload):
    return struct.pack("<HHIQ", kind, flags, 0, len(payload)) + payload


def manifest_with_removed_keys():
    keys = [(b"sccache/a/b/c/abc", 6, 1_763_700_000_123), (b"sccache/d/e/f/def", 3, 1_763_600_000_000)]
    removed = struct.pack("<I", len(keys))
    for key, generation, when in keys:
        removed += struct.pack("<QQH", generation, when, len(key)) + key
    head = b"HRTHMANI" + struct.pack("<IIQ", 1, 4, 7) + bytes(32) + struct.pack("<Q", 1_763_700_000_456)
    empty = struct.pack("<I", 0)
    return (head + section(1, 1, empty) + section(2, 1, empty) + section(3, 1, empty)
            + section(4, 1, removed))


def main():
    (FOLDER / "touch-set-v1.bin").write_bytes(touch_set())
    (FOLDER / "manifest-removed-v1.bin").write_bytes(manifest_with_removed_keys())


if __name__ == "__main__":
    main()
