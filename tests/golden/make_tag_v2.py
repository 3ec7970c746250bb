#!/usr/bin/env python3
"""Writes pointer-v2.json from docs/formats.md and manifest-v1.bin, sharing no code with the program.

Run it only when a new version of a format is added, under a new name: this file never changes.
tests/publish/pointer_test.cpp holds the program against it.
"""

import base64
import hashlib
import json
import pathlib


def main():
    here = pathlib.Path(__file__).parent
    manifest = (here / "manifest-v1.bin").read_bytes()
    pointer = {
        "format": 2,
        "repository": "owner/name",
        "scope": "refs/heads/main",
        "tag": "rust-1.95.0-sccache-linux-x86_64",
        "generation": 2,
        "digest": hashlib.sha256(manifest).hexdigest(),
        "embedded": base64.b64encode(manifest).decode(),
    }
    (here / "pointer-v2.json").write_text(json.dumps(pointer, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
