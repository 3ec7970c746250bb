"""What the cache service signs: the runtime tokens of jobs, and the URLs of blobs.

A runtime token is a JWT whose claim `ac` is a JSON *text*, a list of
`{"Scope": "refs/heads/main", "Permission": 3}` with bit 1 for reading and bit 2
for writing: the job's own scope first, then those it may only read
(falcondev-oss/github-actions-cache-server lib/scope.ts; read 2026-11). GitHub signs
with RS256, this emulator with HS256: clients look at the payload only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import urllib.parse
from dataclasses import dataclass

READ = 1
WRITE = 2


class Refused(Exception):
    """A token or signature that the service does not accept."""


@dataclass(frozen=True)
class Access:
    """What a runtime token allows, in the order in which scopes are searched."""

    repository: str
    scopes: tuple[tuple[str, int], ...]

    def readable(self) -> list[str]:
        return [scope for scope, permission in self.scopes if permission & READ]

    def writable(self) -> str | None:
        return next((scope for scope, permission in self.scopes if permission & WRITE), None)


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Signer:
    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def mac(self, text: str) -> str:
        return encoded(hmac.new(self.secret, text.encode(), hashlib.sha256).digest())

    def token(self, access: Access, not_before: float, expires: float) -> str:
        scopes = [{"Scope": scope, "Permission": permission}
                  for scope, permission in access.scopes]
        claims = {"ac": json.dumps(scopes), "repository": access.repository,
                  "repository_id": str(int(hashlib.sha256(access.repository.encode()).hexdigest()[:8], 16)),
                  "scp": "Actions.Results:run-backend-id:job-backend-id",
                  "nbf": int(not_before), "exp": int(expires)}
        text = ".".join(encoded(json.dumps(part).encode())
                        for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return f"{text}.{self.mac(text)}"

    def access(self, token: str, now: float) -> Access:
        text, _, signature = token.rpartition(".")
        if not text or not hmac.compare_digest(signature, self.mac(text)):
            raise Refused("the token's signature is wrong")
        try:
            claims = json.loads(decoded(text.split(".")[1]))
            scopes = tuple((str(entry["Scope"]), int(entry["Permission"]))
                           for entry in json.loads(claims["ac"]))
            repository, expires = str(claims["repository"]), int(claims["exp"])
        except (ValueError, KeyError, IndexError, TypeError) as problem:
            raise Refused(f"the token cannot be read: {problem}") from problem
        if now >= expires:
            raise Refused("the token has expired")
        return Access(repository, scopes)

    def signed_query(self, blob: str, permission: str, expires: float) -> str:
        """The query of a blob's URL, shaped like Azure's shared access signatures."""
        until = str(int(expires))
        signature = self.mac(f"{blob}\n{permission}\n{until}")
        return urllib.parse.urlencode({"se": until, "sp": permission, "sv": "2026-02-06",
                                       "sr": "b", "sig": signature})

    def check_query(self, blob: str, permission: str, query: dict[str, str], now: float) -> None:
        until = query.get("se", "")
        expected = self.mac(f"{blob}\n{permission}\n{until}")
        if query.get("sp") != permission or not hmac.compare_digest(query.get("sig", ""), expected):
            raise Refused("Signature did not match")
        if now >= int(until):
            raise Refused("Signature not valid in the specified time frame")
