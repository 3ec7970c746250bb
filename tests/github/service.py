"""The operations of the emulated service: what each kind of call does and answers.

Version 2 (twirp) and version 1 (REST below _apis/artifactcache) work on the same
entries. Blobs live under /hearth/actions-cache/<blob>?<signature>; the REST interface
of api.github.com under /repos/OWNER/NAME/actions/.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import urllib.parse
from dataclasses import dataclass, field

from tests.github import entries as model
from tests.github import messages
from tests.github.blobs import parse_range
from tests.github.tokens import Access, Refused, Signer

CONFLICT = "cache entry with the same key, version, and scope already exists"
LONGEST_KEY = 512


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    content: pathlib.Path | None = None  # the body of an upload of bytes


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    file: tuple[pathlib.Path, int, int] | None = None  # path, offset, size: instead of a body

    def size(self) -> int:
        return self.file[2] if self.file else len(self.body)


def json_reply(status: int, value: object, **headers: str) -> Reply:
    shown = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | shown)


def twirp_error(status: int, code: str, text: str, **headers: str) -> Reply:
    # BuildKit reads `message`, the toolkit `msg`.
    return json_reply(status, {"code": code, "msg": text, "message": text}, **headers)


def azure_error(status: int, code: str, text: str) -> Reply:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{text}</Message></Error>'
    return Reply(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})


def moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Settings:
    url_lifetime: float = 3600.0
    latency: float = 0.0
    rest_token: str = "ghs_emulator"
    rest_writes: bool = True  # whether the REST token has `actions: write`


class Service:
    def __init__(self, entries: model.Entries, signer: Signer, clock: model.Clock,
                 settings: Settings) -> None:
        self.entries = entries
        self.signer = signer
        self.clock = clock
        self.settings = settings
        self.base = ""  # "http://127.0.0.1:PORT", known once it listens

    def access(self, call: Call) -> Access:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refused("no bearer token")
        return self.signer.access(token, self.clock.now())

    def blob_url(self, blob: str, permission: str) -> str:
        query = self.signer.signed_query(blob, permission,
                                         self.clock.now() + self.settings.url_lifetime)
        return f"{self.base}/hearth/actions-cache/{blob}?{query}"

    # --- version 2 ---------------------------------------------------------------

    def twirp(self, method: str, call: Call) -> Reply:
        kind = call.headers.get("content-type", "").partition(";")[0].strip()
        if call.method != "POST" or kind not in ("application/json", "application/protobuf"):
            return twirp_error(404, "bad_route", f"unexpected Content-Type: {kind!r}")
        try:
            access = self.access(call)
        except Refused as refused:
            return twirp_error(401, "unauthenticated", str(refused))
        protobuf = kind == "application/protobuf"
        try:
            request = (messages.read_protobuf if protobuf else messages.read_json)(method, call.body)
        except (messages.Malformed, UnicodeDecodeError) as problem:
            return twirp_error(400, "malformed", str(problem))
        if not 0 < len(request["key"]) <= LONGEST_KEY or "," in request["key"]:
            return twirp_error(400, "invalid_argument", "key: 1 to 512 characters without commas")
        answer = {"CreateCacheEntry": self.create, "FinalizeCacheEntryUpload": self.finalise,
                  "GetCacheEntryDownloadURL": self.resolve}[method](access, request)
        if isinstance(answer, Reply):
            return answer
        if protobuf:
            return Reply(200, messages.write_protobuf(method, answer),
                         {"Content-Type": "application/protobuf"})
        return Reply(200, messages.write_json(answer), {"Content-Type": "application/json"})

    def create(self, access: Access, request: dict) -> dict | Reply:
        scope = access.writable()
        if scope is None:
            return {"ok": False, "message": "cache write denied: token has no writable scopes"}
        try:
            entry = self.entries.reserve(access.repository, scope, request["key"],
                                         request["version"])
        except model.TooManyUploads as limited:
            return twirp_error(429, "resource_exhausted", str(limited),
                               Retry_After=str(limited.retry_after))
        except model.Conflict:
            return twirp_error(409, "already_exists", CONFLICT)
        return {"ok": True, "signed_upload_url": self.blob_url(entry.blob, "w")}

    def finalise(self, access: Access, request: dict) -> dict | Reply:
        scope = access.writable()
        if scope is None:
            return {"ok": False, "message": "cache write denied: token has no writable scopes"}
        try:
            entry = self.entries.finalise(access.repository, scope, request["key"],
                                          request["version"], request["size_bytes"])
        except model.NotFound:
            return twirp_error(404, "not_found", "no reserved cache entry of this key and version")
        except model.WrongSize as problem:
            return twirp_error(400, "invalid_argument", str(problem))
        return {"ok": True, "entry_id": entry.id}

    def resolve(self, access: Access, request: dict) -> dict | Reply:
        scopes = access.readable()
        if not scopes:
            return twirp_error(403, "permission_denied",
                               "cache read denied: token has no readable scopes")
        entry = self.entries.find(access.repository, scopes,
                                  [request["key"], *request["restore_keys"]], request["version"])
        if entry is None:
            return {"ok": False}
        return {"ok": True, "signed_download_url": self.blob_url(entry.blob, "r"),
                "matched_key": entry.key}

    # --- version 1 ---------------------------------------------------------------

    def v1_find(self, call: Call) -> Reply:
        access = self.access(call)
        keys = call.query.get("keys", "").split(",")
        entry = self.entries.find(access.repository, access.readable(), keys,
                                  call.query.get("version", ""))
        if entry is None:
            return Reply(204)
        return json_reply(200, {"cacheKey": entry.key, "scope": entry.scope,
                                "cacheVersion": entry.version,
                                "creationTime": moment(entry.created),
                                "archiveLocation": self.blob_url(entry.blob, "r")})

    def v1_reserve(self, call: Call) -> Reply:
        access = self.access(call)
        request = json.loads(call.body)
        scope = access.writable()
        if scope is None:
            return json_reply(403, {"message": "cache write denied: token has no writable scopes"})
        try:
            entry = self.entries.reserve(access.repository, scope, request["key"],
                                         request["version"])
        except model.TooManyUploads as limited:
            return json_reply(429, {"message": str(limited)}, Retry_After=str(limited.retry_after))
        except model.Conflict:
            return json_reply(409, {"typeKey": "ArtifactCacheItemAlreadyExistsException",
                                    "message": CONFLICT})
        return json_reply(201, {"cacheId": entry.id})

    def v1_upload(self, number: int, call: Call) -> Reply:
        access = self.access(call)
        first = call.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
        if call.content is None or not first.isdigit():
            return json_reply(400, {"message": "Content-Range: bytes FIRST-LAST/* is needed"})
        entry = self.entries.reserved(access.repository, number)
        self.entries.blobs.write_at(entry.blob, int(first), call.content)
        return Reply(204)

    def v1_commit(self, number: int, call: Call) -> Reply:
        access = self.access(call)
        try:
            self.entries.finalise_id(access.repository, number, int(json.loads(call.body)["size"]))
        except model.WrongSize as problem:
            return json_reply(400, {"message": str(problem)})
        return Reply(204)

    def v1_listed(self, call: Call) -> Reply:
        access = self.access(call)
        found = self.entries.listed(access.repository, call.query.get("key", ""), None)
        return json_reply(200, {"totalCount": len(found), "artifactCaches": [
            {"cacheKey": entry.key, "scope": entry.scope, "cacheVersion": entry.version,
             "creationTime": moment(entry.created)} for entry in found]})

    # --- blobs -------------------------------------------------------------------

    def blob(self, blob: str, call: Call) -> Reply:
        reading = call.method in ("GET", "HEAD")
        try:
            self.signer.check_query(blob, "r" if reading else "w", call.query, self.clock.now())
        except Refused as refused:
            return azure_error(403, "AuthenticationFailed", str(refused))
        return self.read_blob(blob, call) if reading else self.write_blob(blob, call)

    def read_blob(self, blob: str, call: Call) -> Reply:
        blobs = self.entries.blobs
        if not blobs.exists(blob):
            return azure_error(404, "BlobNotFound", "The specified blob does not exist.")
        size = blobs.size(blob)
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes",
                   "ETag": f'"{blob}"', "x-ms-blob-type": "BlockBlob"}
        wanted = call.headers.get("x-ms-range") or call.headers.get("range")
        if not wanted:
            return Reply(200, headers=headers, file=(blobs.path(blob), 0, size))
        extent = parse_range(wanted, size)
        if extent is None:
            refused = azure_error(416, "InvalidRange", "The range specified is invalid.")
            refused.headers["Content-Range"] = f"bytes */{size}"
            return refused
        headers["Content-Range"] = f"bytes {extent[0]}-{extent[1] - 1}/{size}"
        return Reply(206, headers=headers, file=(blobs.path(blob), extent[0], extent[1] - extent[0]))

    def write_blob(self, blob: str, call: Call) -> Reply:
        blobs = self.entries.blobs
        kind = call.query.get("comp", "")
        if kind == "blocklist":
            if not blobs.commit(blob, call.body):
                return azure_error(400, "InvalidBlockList", "The specified block list is invalid.")
        elif call.content is None:
            return azure_error(400, "InvalidInput", "There is no body.")
        elif kind == "block" and call.query.get("blockid"):
            blobs.put_block(blob, call.query["blockid"], call.content)
        elif kind == "" and call.headers.get("x-ms-blob-type") == "BlockBlob":
            blobs.put(blob, call.content)
        else:  # append blobs and the rest
            return azure_error(400, "InvalidHeaderValue", "Only block blobs are had here.")
        return Reply(201)

    # --- REST --------------------------------------------------------------------

    def rest(self, repository: str, rest: str, call: Call) -> Reply:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or token != self.settings.rest_token:
            return json_reply(401, {"message": "Bad credentials"})
        if call.method == "GET" and rest == "cache/usage":
            found = self.entries.listed(repository, "", None)
            return json_reply(200, {"full_name": repository,
                                    "active_caches_count": len(found),
                                    "active_caches_size_in_bytes": sum(e.size for e in found)})
        if call.method == "GET" and rest == "caches":
            return self.rest_list(repository, call)
        if call.method != "DELETE" or not rest.startswith("caches"):
            return json_reply(404, {"message": "Not Found"})
        if not self.settings.rest_writes:
            return json_reply(403, {"message": "Resource not accessible by integration"})
        return self.rest_delete(repository, rest, call)

    def rest_list(self, repository: str, call: Call) -> Reply:
        found = self.entries.listed(repository, call.query.get("key", ""), call.query.get("ref"))
        sort = {"created_at": "created", "size_in_bytes": "size"}.get(
            call.query.get("sort", ""), "accessed")
        found.sort(key=lambda entry: getattr(entry, sort),
                   reverse=call.query.get("direction", "desc") == "desc")
        per_page = min(100, int(call.query.get("per_page", "30")))
        first = (int(call.query.get("page", "1")) - 1) * per_page
        return json_reply(200, {"total_count": len(found), "actions_caches": [
            shown(entry) for entry in found[first:first + per_page]]})

    def rest_delete(self, repository: str, rest: str, call: Call) -> Reply:
        number = rest.removeprefix("caches").removeprefix("/")
        if number:
            gone = self.entries.remove(repository, lambda entry: str(entry.id) == number)
            return Reply(204) if gone else json_reply(404, {"message": "Not Found"})
        key, ref = call.query.get("key"), call.query.get("ref")
        if not key:
            return json_reply(422, {"message": "key is missing"})
        gone = self.entries.remove(repository, lambda entry: entry.key == key
                                   and ref in (None, entry.scope))
        if not gone:
            return json_reply(404, {"message": "Not Found"})
        return json_reply(200, {"total_count": len(gone),
                                "actions_caches": [shown(entry) for entry in gone]})


def shown(entry: model.Entry) -> dict:
    return {"id": entry.id, "ref": entry.scope, "key": entry.key, "version": entry.version,
            "last_accessed_at": moment(entry.accessed), "created_at": moment(entry.created),
            "size_in_bytes": entry.size}


def split_target(target: str) -> tuple[str, dict[str, str]]:
    path, _, query = target.partition("?")
    return urllib.parse.unquote(path), dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
