#!/usr/bin/env python3
"""Holds the includes of agent/ against agent/layers.txt, and third parties against their quarantine."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Which files may include a third party's headers (patterns below agent/).
QUARANTINE = {
    "Poco/": ("net/*.cpp", "io/json.cpp"),
    "openssl/": ("io/*.cpp", "net/*.cpp"),
    "zstd.h": ("io/*.cpp",),
    "zlib.h": ("io/*.cpp",),
    "yaml-cpp/": ("cli/config_file.cpp",),
}


def read_layers(problems):
    allowed = {}
    for line in (ROOT / "agent/layers.txt").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        name, _, dependencies = line.partition(":")
        allowed[name] = set(dependencies.split()) | {name}
        problems += [f"layers.txt: {name} lists {d}, which stands below it" for d in allowed[name] - set(allowed)]
    return allowed


def main():
    problems = []
    allowed = read_layers(problems)
    for path in sorted((ROOT / "agent").rglob("*.[hcd]*")):
        where = path.relative_to(ROOT / "agent")
        text = path.read_text()
        for dependency in re.findall(r'#include "agent/(\w+)/', text):
            if dependency not in allowed.get(where.parts[0], ()):
                problems.append(f"agent/{where} may not include agent/{dependency}")
        for prefix, places in QUARANTINE.items():
            if f"#include <{prefix}" in text and not any(where.match(place) for place in places):
                problems.append(f"agent/{where} includes <{prefix}…>, which belongs in {', '.join(places)}")
        if text.count("\n") > 450:
            problems.append(f"agent/{where} has grown past one idea ({text.count(chr(10))} lines)")
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
