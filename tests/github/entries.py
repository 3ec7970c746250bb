"""The entries of the cache service: scopes, reservations, matching, limits, eviction.

Rules (GitHub docs, "Dependency caching reference"; contract of the service as its
clients show it; read 2026-11):
  - an entry belongs to (repository, scope, key, version) and is immutable;
  - creating one only reserves its name: nobody sees it before it is finalised;
  - a look-up goes through the token's scopes in order; in each it tries the key
    exactly, then as a prefix, then each restore key alike; newest first;
  - 200 uploads a minute per repository; beyond it 429 with Retry-After;
  - over the repository's quota the entries least recently used go.
"""

from __future__ import annotations

import collections
import math
import threading
import time
from dataclasses import dataclass, field

from tests.github.blobs import Blobs


class Clock:
    """The emulator's time, which tests may put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead


class Conflict(Exception):
    pass


class NotFound(Exception):
    pass


class WrongSize(Exception):
    pass


class TooManyUploads(Exception):
    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many uploads, retry after {retry_after} seconds")
        self.retry_after = retry_after


@dataclass
class Entry:
    id: int
    scope: str
    key: str
    version: str
    blob: str
    created: float
    order: int  # which of two entries of the same moment is newer
    size: int = 0
    finalised: bool = False
    accessed: float = 0.0

    def name(self) -> tuple[str, str, str]:
        return self.scope, self.key, self.version


@dataclass
class Repository:
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    uploads: collections.deque[float] = field(default_factory=collections.deque)


@dataclass
class Limits:
    uploads_per_minute: int = 200  # 0: any number
    quota_bytes: int = 10 << 30
    newest: str = "created"  # or "finalised": which moment "newest first" goes by


class Entries:
    def __init__(self, blobs: Blobs, clock: Clock, limits: Limits) -> None:
        self.blobs = blobs
        self.clock = clock
        self.limits = limits
        self.lock = threading.Lock()
        self.repositories: dict[str, Repository] = collections.defaultdict(Repository)
        self.last_id = 0
        self.last_order = 0
        self.evicted = 0

    def take_order(self) -> int:
        self.last_order += 1
        return self.last_order

    def spend_upload(self, repository: Repository) -> None:
        if not self.limits.uploads_per_minute:
            return
        now = self.clock.now()
        while repository.uploads and repository.uploads[0] <= now - 60:
            repository.uploads.popleft()
        if len(repository.uploads) >= self.limits.uploads_per_minute:
            raise TooManyUploads(max(1, math.ceil(repository.uploads[0] + 60 - now)))
        repository.uploads.append(now)

    def reserve(self, name: str, scope: str, key: str, version: str) -> Entry:
        with self.lock:
            repository = self.repositories[name]
            self.spend_upload(repository)
            if (scope, key, version) in repository.entries:
                raise Conflict
            self.last_id += 1
            now = self.clock.now()
            entry = Entry(self.last_id, scope, key, version, self.blobs.new_name(), now,
                          self.take_order(), accessed=now)
            repository.entries[entry.name()] = entry
            return entry

    def finalise(self, name: str, scope: str, key: str, version: str, size: int) -> Entry:
        with self.lock:
            entry = self.repositories[name].entries.get((scope, key, version))
            if entry is None or entry.finalised:
                raise NotFound
            return self.make_visible(name, entry, size)

    def reserved(self, name: str, number: int) -> Entry:
        """Version 1 names reservations by id."""
        with self.lock:
            for entry in self.repositories[name].entries.values():
                if entry.id == number and not entry.finalised:
                    return entry
        raise NotFound

    def finalise_id(self, name: str, number: int, size: int) -> Entry:
        entry = self.reserved(name, number)
        with self.lock:
            if size == 0:
                self.blobs.make_empty(entry.blob)
            return self.make_visible(name, entry, size)

    def make_visible(self, name: str, entry: Entry, size: int) -> Entry:
        uploaded = self.blobs.size(entry.blob)
        if uploaded != size:
            raise WrongSize(f"{uploaded} bytes were uploaded, {size} are finalised")
        entry.size = size
        entry.finalised = True
        entry.accessed = self.clock.now()
        if self.limits.newest == "finalised":
            entry.created = entry.accessed
            entry.order = self.take_order()
        self.evict(name)
        return entry

    def evict(self, name: str) -> None:
        entries = self.repositories[name].entries
        kept = [entry for entry in entries.values() if entry.finalised]
        total = sum(entry.size for entry in kept)
        for entry in sorted(kept, key=lambda entry: (entry.accessed, entry.order)):
            if total <= self.limits.quota_bytes:
                break
            total -= entry.size
            self.evicted += 1
            self.drop(name, entry)

    def drop(self, name: str, entry: Entry) -> None:
        del self.repositories[name].entries[entry.name()]
        self.blobs.remove(entry.blob)

    def find(self, name: str, scopes: list[str], keys: list[str], version: str) -> Entry | None:
        with self.lock:
            entries = self.repositories[name].entries
            for scope in scopes:
                for key in keys:
                    found = entries.get((scope, key, version))
                    if found is None or not found.finalised:
                        found = self.newest_with(name, scope, key, version)
                    if found is not None:
                        found.accessed = self.clock.now()
                        return found
        return None

    def newest_with(self, name: str, scope: str, prefix: str, version: str) -> Entry | None:
        matching = [entry for entry in self.repositories[name].entries.values()
                    if entry.finalised and entry.scope == scope and entry.version == version
                    and entry.key.startswith(prefix)]
        return max(matching, key=lambda entry: (entry.created, entry.order), default=None)

    def listed(self, name: str, prefix: str, scope: str | None) -> list[Entry]:
        with self.lock:
            return [entry for entry in self.repositories[name].entries.values()
                    if entry.finalised and entry.key.startswith(prefix)
                    and scope in (None, entry.scope)]

    def remove(self, name: str, matches) -> list[Entry]:
        with self.lock:
            gone = [entry for entry in self.repositories[name].entries.values()
                    if entry.finalised and matches(entry)]
            for entry in gone:
                self.drop(name, entry)
            return gone

    def clear(self) -> None:
        with self.lock:
            for repository in self.repositories.values():
                for entry in repository.entries.values():
                    self.blobs.remove(entry.blob)
            self.repositories.clear()
            self.evicted = 0
