"""A WebDAV storage that misbehaves as a case wants it to. Not a test itself."""

from __future__ import annotations

import http.server
import threading

COLLECTION = (b'<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop>'
              b"<getlastmodified>Sun, 01 May 2022 06:39:47 GMT</getlastmodified>"
              b"<resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat>"
              b"</response></multistatus>")
PROBE = ".sccache_check"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self, method: str, otherwise: int, body: bytes = b"") -> None:
        """The status that the case gives for this method ("GET"), or for its probe ("probe GET")."""
        scripted = self.server.statuses
        name = f"probe {method}" if self.path.endswith(PROBE) else method
        status = scripted.get(name, otherwise)
        self.server.asked.append((method, self.path, status))
        self.send_response(status)
        body = body if status == otherwise else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        body = self.server.objects.get(self.path)
        self.answer("GET", 404 if body is None else 200, body or b"")

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer("PUT", 201)
        if self.server.asked[-1][2] == 201:
            self.server.objects[self.path] = body

    def do_PROPFIND(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer("PROPFIND", 207, COLLECTION)

    def do_MKCOL(self):
        self.answer("MKCOL", 201)

    def log_message(self, *_):
        pass


class Storage(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, **statuses: int):
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, int]] = []
        self.statuses = {name.replace("_", " "): status for name, status in statuses.items()}
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}/cache"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
