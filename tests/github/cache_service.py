"""An emulator of GitHub's Actions cache service, for tests.

    python3 -m tests.github.cache_service [--uploads-per-minute 200] …

prints its URL, such as `http://127.0.0.1:40123/`, and serves until its standard input
ends or it gets SIGTERM: ACTIONS_RESULTS_URL and ACTIONS_CACHE_URL are that URL,
GITHUB_API_URL is it without the slash. It binds the loopback interface only. Tests
steer it over HTTP:

    POST /_control/token     {"repository", "scopes": [["refs/heads/main", 3]], "seconds"}
                             answers {"token"}: an ACTIONS_RUNTIME_TOKEN
    POST /_control/faults    [rule, …], see faults.py; replaces the rules before
    POST /_control/settings  any of latency, url_lifetime, rest_token, rest_writes,
                             uploads_per_minute, quota_bytes, newest
    POST /_control/advance   {"seconds"}: puts the service's clock forward
    POST /_control/corrupt   {"key"}: damages the bytes of entries whose key starts so
    POST /_control/evict     {"key"}: drops entries whose key starts so, as GitHub does
    POST /_control/reset     forgets counters and rules; with {"entries": true} the entries too
    GET  /_control/counters  calls and answers by kind
    GET  /_control/entries   every entry, reserved ones included

What it does not do: the retention of seven days, and RS256 signatures.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import pathlib
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback

from tests.github import entries as model
from tests.github.blobs import PIECE, Blobs
from tests.github.faults import Faults, Rule
from tests.github.service import (Call, Reply, Service, Settings, azure_error, json_reply, shown,
                                  split_target, twirp_error)
from tests.github.tokens import Access, Refused, Signer

TWIRP = "/twirp/github.actions.results.api.v1.CacheService/"
TWIRP_METHODS = ("CreateCacheEntry", "FinalizeCacheEntryUpload", "GetCacheEntryDownloadURL")
MOST_BODY = 1 << 20  # of what is no upload of bytes


class BadRequest(Exception):
    pass


class Emulator:
    """The service with its counters, faults and settings."""

    def __init__(self, folder: pathlib.Path, limits: model.Limits, settings: Settings) -> None:
        self.clock = model.Clock()
        self.limits = limits
        self.settings = settings
        self.faults = Faults()
        self.signer = Signer(b"the emulator signs for tests only")
        self.entries = model.Entries(Blobs(folder), self.clock, limits)
        self.service = Service(self.entries, self.signer, self.clock, settings)

    def control(self, name: str, given) -> Reply:
        if name == "token":
            access = Access(given.get("repository", "octo/project"), tuple(
                (scope, permission)
                for scope, permission in given.get("scopes", [["refs/heads/main", 3]])))
            now = self.clock.now()
            token = self.signer.token(access, now, now + given.get("seconds", 6 * 3600))
            return json_reply(200, {"token": token})
        if name == "settings":
            for key, value in given.items():
                owner = self.settings if hasattr(self.settings, key) else self.limits
                if not hasattr(owner, key):
                    return json_reply(400, {"message": f"no setting {key}"})
                setattr(owner, key, value)
        elif name == "faults":
            self.faults.replace(given)
        elif name == "advance":
            self.clock.ahead += given["seconds"]
        elif name == "corrupt":
            return json_reply(200, {"damaged": self.corrupt(given["key"])})
        elif name == "evict":
            for repository in list(self.entries.repositories):
                self.entries.remove(repository, lambda entry: entry.key.startswith(given["key"]))
        elif name == "reset":
            self.faults.reset()
            if given.get("entries"):
                self.entries.clear()
        elif name == "counters":
            return json_reply(200, self.faults.counters() | {"evicted": self.entries.evicted})
        elif name == "entries":
            return json_reply(200, [shown(entry) | {"repository": name, "finalised": entry.finalised}
                                    for name, repository in self.entries.repositories.items()
                                    for entry in repository.entries.values()])
        else:
            return json_reply(404, {"message": "no such control"})
        return Reply(204)

    def corrupt(self, prefix: str) -> int:
        damaged = 0
        for repository in self.entries.repositories.values():
            for entry in repository.entries.values():
                path = self.entries.blobs.path(entry.blob)
                if entry.key.startswith(prefix) and path.exists() and path.stat().st_size:
                    content = bytearray(path.read_bytes())
                    content[len(content) // 2] ^= 1
                    path.write_bytes(content)
                    damaged += 1
        return damaged


def route(emulator: Emulator, call: Call):
    """(name for counters and faults, what to do), or None."""
    service = emulator.service
    if call.path.startswith(TWIRP) and call.path[len(TWIRP):] in TWIRP_METHODS:
        method = call.path[len(TWIRP):]
        return method, functools.partial(service.twirp, method, call)
    if match := re.fullmatch(r"/hearth/actions-cache/(\w+)", call.path):
        kind = {"GET": "get", "HEAD": "head", "PUT": call.query.get("comp") or "put"}
        if call.method in kind:
            return f"blob.{kind[call.method]}", functools.partial(service.blob, match[1], call)
    if match := re.fullmatch(r"/repos/([^/]+/[^/]+)/actions/(cache.*)", call.path):
        name = {"GET": "rest.list", "DELETE": "rest.delete"}.get(call.method, "rest.other")
        return name, functools.partial(service.rest, match[1], match[2], call)
    if match := re.fullmatch(r"/_apis/artifactcache/(caches?)(?:/(\d+))?", call.path):
        works = {("GET", "cache", False): ("v1.find", service.v1_find),
                 ("GET", "caches", False): ("v1.list", service.v1_listed),
                 ("POST", "caches", False): ("v1.reserve", service.v1_reserve),
                 ("PATCH", "caches", True): ("v1.upload", service.v1_upload),
                 ("POST", "caches", True): ("v1.commit", service.v1_commit)}
        found = works.get((call.method, match[1], match[2] is not None))
        if found:
            arguments = [int(match[2])] if match[2] else []
            return found[0], functools.partial(found[1], *arguments, call)
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Kestrel"
    sys_version = ""
    disable_nagle_algorithm = True
    server: Server

    def do_any(self) -> None:
        emulator = self.server.emulator
        try:
            call = self.read_call()
        except BadRequest as problem:
            self.close_connection = True
            self.answer(json_reply(400, {"message": str(problem)}))
            return
        try:
            self.serve(emulator, call)
        except ConnectionError:
            self.close_connection = True
        finally:
            if call.content is not None:
                call.content.unlink(missing_ok=True)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def serve(self, emulator: Emulator, call: Call) -> None:
        if call.path.startswith("/_control/"):
            given = json.loads(call.body or b"{}")
            self.answer(emulator.control(call.path.removeprefix("/_control/"), given))
            return
        found = route(emulator, call)
        if found is None:
            self.answer(twirp_error(404, "bad_route", f"no handler for {call.method} {call.path}"))
            return
        name, work = found
        if emulator.settings.latency:
            time.sleep(emulator.settings.latency)
        rule = emulator.faults.call(name)
        if rule and rule.kind in ("reset", "stall"):
            if rule.kind == "stall":
                time.sleep(rule.seconds)
            self.drop_connection()
            return
        reply = scripted(rule) or perform(name, work)
        if rule and rule.kind == "lose":
            self.drop_connection()
            return
        emulator.faults.answered(name, reply.status)
        self.answer(reply, rule)

    def read_call(self) -> Call:
        path, query = split_target(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, path, query, headers)
        upload = self.command == "PATCH" or (self.command == "PUT" and query.get("comp") != "blocklist")
        if upload:
            call.content = self.server.emulator.entries.blobs.incoming()
            with open(call.content, "wb") as out:
                for piece in self.body_pieces():
                    out.write(piece)
        else:
            for piece in self.body_pieces():
                call.body += piece
                if len(call.body) > MOST_BODY:
                    raise BadRequest("the body is too large")
        return call

    def body_pieces(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", "0"))
        while left:
            piece = self.rfile.read(min(left, PIECE))
            if not piece:
                raise BadRequest("the body ends early")
            left -= len(piece)
            yield piece

    def answer(self, reply: Reply, rule: Rule | None = None) -> None:
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('', ''))[0]}",
                 f"Content-Length: {reply.size()}", "x-ms-request-id: 00000000-0000-0000-0000-000000000000"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if self.command == "HEAD" or reply.status == 204:
            self.wfile.write(head)
            return
        pieces = pieces_of(reply, rule)
        self.wfile.write(head + next(pieces, b""))
        for piece in pieces:
            self.wfile.write(piece)
        if rule and rule.kind == "truncate":
            self.drop_connection()

    def drop_connection(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def scripted(rule: Rule | None) -> Reply | None:
    if rule is None:
        return None
    if rule.kind == "status":
        return Reply(rule.status, rule.body.encode(),
                     {"Content-Type": "application/json"} | rule.headers)
    if rule.kind == "ok_false":
        return json_reply(200, {"ok": False, "message": rule.body})
    return None


def perform(name: str, work) -> Reply:
    try:
        return work()
    except Refused as refused:
        return json_reply(401, {"message": str(refused)})
    except model.NotFound:
        return json_reply(404, {"message": "not found"})
    except (ValueError, KeyError, TypeError) as problem:
        return json_reply(400, {"message": repr(problem)})
    except OSError:
        traceback.print_exc()
        if name.startswith("blob."):
            return azure_error(500, "InternalError", "see standard error")
        return twirp_error(500, "internal", "see standard error")


def pieces_of(reply: Reply, rule: Rule | None):
    """The body, as the rule has it."""
    kind = rule.kind if rule else ""
    size = reply.size()
    end = size // 2 if kind == "truncate" else size
    at = 0
    for piece in raw_pieces(reply):
        if kind == "flip" and at <= size // 2 < at + len(piece):
            damaged = bytearray(piece)
            damaged[size // 2 - at] ^= 1
            piece = bytes(damaged)
        if at < end:
            yield piece[:end - at]
        at += len(piece)


def raw_pieces(reply: Reply):
    if reply.file is None:
        yield reply.body
        return
    path, offset, left = reply.file
    with open(path, "rb") as content:
        content.seek(offset)
        while left > 0 and (piece := content.read(min(left, PIECE))):
            left -= len(piece)
            yield piece


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, emulator: Emulator, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.emulator = emulator
        emulator.service.base = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(prog="cache_service", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--uploads-per-minute", type=int, default=200, help="0: any number")
    parser.add_argument("--quota-bytes", type=int, default=10 << 30)
    parser.add_argument("--newest", choices=("created", "finalised"), default="created")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--url-lifetime", type=float, default=3600, help="seconds")
    options = parser.parse_args()
    limits = model.Limits(options.uploads_per_minute, options.quota_bytes, options.newest)
    settings = Settings(options.url_lifetime, options.latency_ms / 1000)
    with tempfile.TemporaryDirectory(prefix="hearth-cache-service-") as folder:
        server = Server(Emulator(pathlib.Path(folder), limits, settings), options.port)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{server.emulator.service.base}/", flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
