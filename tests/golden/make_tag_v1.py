#!/usr/bin/env python3
"""Writes manifest-v1.bin and pointer-v1.json from docs/formats.md alone, sharing no code with the program.

Run it only when a new version of a format is added, under a new name: these files never change.
tests/publish/manifest_test.cpp and pointer_test.cpp hold the program against them.
"""

import hashlib
import json
import pathlib
import struct

PRODUCERS = [b"local user@host", b"owner/name refs/heads/main build 1234"]
# digest byte, size, footer offset, footer size, live bytes, generation, created, objects, producer
PACKS = [
    (0x11, 5000, 4000, 936, 3500, 2, 1_763_700_000_123, 12, 1),
    (0x22, 1 << 30, (1 << 30) - 100_064, 100_000, 900_000_000, 1, 1_763_600_000_000, 2000, 0),
]
TOMBSTONES = [(0x33, 1_763_650_000_000), (0x44, 1_763_650_000_001)]
FOREIGN = (900, b"a section of another version")


def section(kind, flags, payload):
    return struct.pack("<HHIQ", kind, flags, 0, len(payload)) + payload


def main():
    producers = struct.pack("<I", len(PRODUCERS)) + b"".join(struct.pack("<H", len(p)) + p for p in PRODUCERS)
    packs = struct.pack("<I", len(PACKS)) + b"".join(
        bytes([digest]) * 32 + struct.pack("<QQQQQQII", *rest) for digest, *rest in PACKS)
    tombstones = struct.pack("<I", len(TOMBSTONES)) + b"".join(
        bytes([digest]) * 32 + struct.pack("<Q", removed) for digest, removed in TOMBSTONES)
    manifest = b"HRTHMANI" + struct.pack("<IIQ", 1, 4, 2) + bytes([0x55]) * 32 + struct.pack("<Q", 1_763_700_000_456)
    manifest += section(1, 1, producers) + section(2, 1, packs) + section(3, 1, tombstones) + section(FOREIGN[0], 0, FOREIGN[1])
    digest = hashlib.sha256(manifest).hexdigest()
    pointer = {
        "format": 1,
        "repository": "owner/name",
        "scope": "refs/heads/main",
        "tag": "rust-1.95.0-sccache-linux-x86_64",
        "generation": 2,
        "manifest": f"manifests/{digest[:2]}/{digest}",
        "digest": digest,
    }
    here = pathlib.Path(__file__).parent
    (here / "manifest-v1.bin").write_bytes(manifest)
    (here / "pointer-v1.json").write_text(json.dumps(pointer, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
