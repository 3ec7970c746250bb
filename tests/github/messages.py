"""The messages of the cache service, version 2, as JSON and as protobuf.

Toolkit and BuildKit speak JSON (in snake_case or camelCase, integers as numbers or
texts), OpenDAL, and so sccache, protobuf. Field numbers: actions/toolkit
packages/cache/src/generated/results/api/v1/cache.ts, read 2026-11.
"""

from __future__ import annotations

import json
from typing import Any

STRING, INTEGER, BOOLEAN, STRINGS, IGNORED = range(5)

REQUESTS = {
    "CreateCacheEntry": {1: ("metadata", IGNORED), 2: ("key", STRING), 3: ("version", STRING)},
    "FinalizeCacheEntryUpload": {1: ("metadata", IGNORED), 2: ("key", STRING),
                                 3: ("size_bytes", INTEGER), 4: ("version", STRING)},
    "GetCacheEntryDownloadURL": {1: ("metadata", IGNORED), 2: ("key", STRING),
                                 3: ("restore_keys", STRINGS), 4: ("version", STRING)},
}
ANSWERS = {
    "CreateCacheEntry": {"ok": (1, BOOLEAN), "signed_upload_url": (2, STRING),
                         "message": (3, STRING)},
    "FinalizeCacheEntryUpload": {"ok": (1, BOOLEAN), "entry_id": (2, INTEGER),
                                 "message": (3, STRING)},
    "GetCacheEntryDownloadURL": {"ok": (1, BOOLEAN), "signed_download_url": (2, STRING),
                                 "matched_key": (3, STRING)},
}
DEFAULTS = {STRING: "", INTEGER: 0, STRINGS: []}


class Malformed(Exception):
    pass


def read_json(method: str, body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except ValueError as problem:
        raise Malformed(f"the json request could not be decoded: {problem}") from problem
    if not isinstance(given, dict):
        raise Malformed("the json request is no object")
    request: dict[str, Any] = {}
    for name, kind in REQUESTS[method].values():
        if kind == IGNORED:
            continue
        camel = "".join(part if i == 0 else part.title()
                        for i, part in enumerate(name.split("_")))
        value = given.get(name, given.get(camel, DEFAULTS[kind]))
        request[name] = checked(name, kind, value)
    return request


def checked(name: str, kind: int, value: Any) -> Any:
    if kind == INTEGER:
        try:
            return int(value)
        except (TypeError, ValueError) as problem:
            raise Malformed(f"{name} is no integer") from problem
    if kind == STRING and not isinstance(value, str):
        raise Malformed(f"{name} is no text")
    if kind == STRINGS and not (isinstance(value, list)
                                and all(isinstance(part, str) for part in value)):
        raise Malformed(f"{name} is no list of texts")
    return value


def write_json(answer: dict[str, Any]) -> bytes:
    """protojson: integers of 64 bits are texts."""
    shown = {name: str(value) if name == "entry_id" else value for name, value in answer.items()}
    return json.dumps(shown).encode()


def read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(body) or shift > 63:
            raise Malformed("a varint has no end")
        value |= (body[at] & 0x7F) << shift
        at += 1
        if not body[at - 1] & 0x80:
            return value, at
        shift += 7


def read_protobuf(method: str, body: bytes) -> dict[str, Any]:
    fields = REQUESTS[method]
    request: dict[str, Any] = {name: list(DEFAULTS[kind]) if kind == STRINGS else DEFAULTS[kind]
                               for name, kind in fields.values() if kind != IGNORED}
    at = 0
    while at < len(body):
        tag, at = read_varint(body, at)
        value, at = read_field(body, at, tag & 7)
        name, kind = fields.get(tag >> 3, ("", IGNORED))
        if kind == INTEGER and isinstance(value, int):
            request[name] = value
        elif kind in (STRING, STRINGS) and isinstance(value, bytes):
            text = value.decode(errors="strict")
            if kind == STRING:
                request[name] = text
            else:
                request[name].append(text)
        elif kind != IGNORED:
            raise Malformed(f"{name} has another wire type")
    return request


def read_field(body: bytes, at: int, wire_type: int) -> tuple[int | bytes, int]:
    if wire_type == 0:
        return read_varint(body, at)
    if wire_type == 2:
        size, at = read_varint(body, at)
    elif wire_type in (1, 5):
        size = 8 if wire_type == 1 else 4
    else:
        raise Malformed(f"wire type {wire_type}")
    if at + size > len(body):
        raise Malformed("a field has no end")
    return body[at:at + size], at + size


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_protobuf(method: str, answer: dict[str, Any]) -> bytes:
    out = b""
    for name, value in answer.items():
        number, kind = ANSWERS[method][name]
        if kind == STRING:
            content = value.encode()
            out += varint(number << 3 | 2) + varint(len(content)) + content
        elif value:
            out += varint(number << 3) + varint(int(value))
    return out
