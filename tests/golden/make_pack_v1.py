#!/usr/bin/env python3
"""Writes pack-v1.bin from docs/formats.md alone, sharing no code with the program.

Run it only when a new version of the format is added, under a new name: pack-v1.bin itself never changes.
tests/store/pack_golden_test.cpp reads the file and writes the same objects byte for byte.
"""

import hashlib
import pathlib
import struct

OBJECTS = [  # in the order they are laid out; the footer sorts them
    (b"sccache/b", b"second object\n" * 3),
    (b"sccache/a", b""),
    (b"z\x00\xff", bytes(range(256))),
]
NONCE = bytes(range(16))


def crc32c(data, seed=0):
    crc = seed ^ 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def record(key, payload):
    header = b"HRec" + struct.pack("<BBHQI", 1, 0, len(key), len(payload), 0)
    header += struct.pack("<I", crc32c(header))
    trailer = b"HTrl" + struct.pack("<HH", len(key), 0) + hashlib.sha256(payload).digest()
    trailer += struct.pack("<I", crc32c(payload)) + key
    trailer += struct.pack("<I", crc32c(header[:20] + trailer)) + b"HEnd"
    whole = header + payload + trailer
    return whole + b"\x00" * (-len(whole) % 8)


def main():
    pack, entries = b"", []
    for key, payload in OBJECTS:
        entries.append((key, len(pack) + 24, payload))
        pack += record(key, payload)
    footer_offset = len(pack)
    footer = b"HRTHFOOT" + struct.pack("<II", 1, len(entries)) + NONCE
    footer += struct.pack("<QQ", sum(len(payload) for _, _, payload in entries), footer_offset)
    for key, offset, payload in sorted(entries):
        footer += struct.pack("<HHIQQ", len(key), 0, crc32c(payload), offset, len(payload))
        footer += hashlib.sha256(payload).digest() + key
    tail = struct.pack("<QQ", footer_offset, len(footer)) + hashlib.sha256(footer).digest() + struct.pack("<I", 1)
    tail += struct.pack("<I", crc32c(tail)) + b"HRTHPACK"
    target = pathlib.Path(__file__).with_name("pack-v1.bin")
    target.write_bytes(pack + footer + tail)
    print(f"{target.name}: {target.stat().st_size} bytes, id {hashlib.sha256(footer).hexdigest()}")


if __name__ == "__main__":
    main()
