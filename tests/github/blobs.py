"""Block blobs in a folder: Put Blob, Put Block, Put Block List, ranged Get Blob.

Blocks count in the order of the list, not in that of their arrival; one that is sent
again replaces the first. Append blobs are not had. Source: Azure Blob service REST
API, versions up to 2026-02-06; read 2026-11.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import pathlib
import re
import shutil
import threading
import xml.etree.ElementTree

PIECE = 1 << 20


class Blobs:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        for name in ("blobs", "blocks", "incoming"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def new_name(self) -> str:
        with self.lock:
            return f"{next(self.numbers):08d}"

    def incoming(self) -> pathlib.Path:
        """Where a body is written while it arrives."""
        with self.lock:
            return self.folder / "incoming" / str(next(self.numbers))

    def path(self, blob: str) -> pathlib.Path:
        return self.folder / "blobs" / blob

    def put(self, blob: str, content: pathlib.Path) -> None:
        content.rename(self.path(blob))

    def block_path(self, blob: str, block: str) -> pathlib.Path:
        return self.folder / "blocks" / blob / hashlib.sha256(block.encode()).hexdigest()

    def put_block(self, blob: str, block: str, content: pathlib.Path) -> None:
        path = self.block_path(blob, block)
        path.parent.mkdir(exist_ok=True)
        content.rename(path)

    def commit(self, blob: str, body: bytes) -> bool:
        """Puts the blob together; false where the list names a block that never came."""
        try:
            root = xml.etree.ElementTree.fromstring(body)
        except xml.etree.ElementTree.ParseError:
            return False
        blocks = [self.block_path(blob, (element.text or "").strip()) for element in root]
        if root.tag != "BlockList" or not all(block.exists() for block in blocks):
            return False
        whole = self.incoming()
        with open(whole, "wb") as out:
            for block in blocks:
                with open(block, "rb") as piece:
                    shutil.copyfileobj(piece, out, PIECE)
        self.put(blob, whole)
        shutil.rmtree(self.folder / "blocks" / blob, ignore_errors=True)
        return True

    def write_at(self, blob: str, offset: int, content: pathlib.Path) -> None:
        """Version 1 uploads chunks by offset, in any order."""
        descriptor = os.open(self.path(blob), os.O_WRONLY | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "wb") as out, open(content, "rb") as piece:
            out.seek(offset)
            shutil.copyfileobj(piece, out, PIECE)
        content.unlink()

    def make_empty(self, blob: str) -> None:
        self.path(blob).touch()

    def size(self, blob: str) -> int:
        path = self.path(blob)
        return path.stat().st_size if path.exists() else 0

    def exists(self, blob: str) -> bool:
        return self.path(blob).exists()

    def remove(self, blob: str) -> None:
        self.path(blob).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "blocks" / blob, ignore_errors=True)


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """(first, end) of one range; None where it does not lie in the blob."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if not match or match.groups() == ("", ""):
        return None
    if not match[1]:
        return (max(0, size - int(match[2])), size) if size else None
    first = int(match[1])
    end = min(size, int(match[2]) + 1) if match[2] else size
    return (first, end) if first < end else None
