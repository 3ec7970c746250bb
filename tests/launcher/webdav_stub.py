"""A WebDAV store in memory, as much of it as sccache asks for, with the agent's /healthz. Not a test itself."""

import http.server
import threading

COLLECTION = (
    b'<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop>'
    b"<getlastmodified>Sun, 01 May 2022 06:39:47 GMT</getlastmodified>"
    b"<resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat>"
    b"</response></multistatus>"
)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, b"ok\n")
        if self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            return self.answer(401)
        body = self.server.objects.get(self.path)
        return self.answer(404) if body is None else self.answer(200, body)

    def do_PUT(self):
        if self.path.rpartition("/")[2] != ".sccache_check":
            self.server.before_put()
        self.server.objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201)

    def do_PROPFIND(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(207, COLLECTION)

    def log_message(self, *_):
        pass


class Stub(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, token=""):
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects = {}
        self.before_put = lambda: None
        self.token = token
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()
