#!/usr/bin/env python3
"""Writes garbage-mark-v1.json from docs/formats.md alone, sharing no code with the program.

Run it only when a new version of a format is added, under a new name: this file never changes.
tests/publish/garbage_mark_test.cpp holds the program against it.
"""

import json
import pathlib


def main():
    mark = {
        "format": 1,
        "written": 1_763_700_000_456,
        "names": [f"manifests/11/{'1' * 64}", f"packs/22/{'2' * 64}"],
    }
    path = pathlib.Path(__file__).parent / "garbage-mark-v1.json"
    path.write_text(json.dumps(mark, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
