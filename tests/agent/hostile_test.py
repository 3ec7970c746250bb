"""Clients that lie, stall, vanish and come in hundreds. The agent answers them with refusals, serves everybody else
meanwhile, reads and writes nothing outside its folders, and is as large afterwards as before."""

import contextlib
import http.client
import pathlib
import random
import socket
import tempfile
import time
import unittest

from tests.agent.running import Agent

HOST = b"Host: 127.0.0.1\r\n"


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="hearth-hostile-")
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "secret").write_text("not for you")
        cls.agent = Agent(cls.folder, flags=("--log-level", "error"))

    @classmethod
    def tearDownClass(cls):
        cls.agent.close()
        cls.temporary.cleanup()

    def tearDown(self):
        self.assertServes()

    def assertServes(self):
        key = f"a/b/c/{random.getrandbits(64):016x}"
        self.assertEqual(self.agent.put(key, key.encode()), 201)
        self.assertEqual(self.agent.get(key), (200, key.encode()))

    def raw(self, *parts: bytes, timeout: float = 10) -> bytes:
        """What comes back until the server closes or `timeout` passes."""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.agent.port), timeout=timeout)) as peer:
            received = b""
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    peer.sendall(part)
            with contextlib.suppress(ConnectionError):
                while more := peer.recv(65536):
                    received += more
            return received

    def assertRefused(self, answer: bytes, *statuses: int):
        line = answer.split(b"\r\n", 1)[0]
        self.assertIn(line[:12], [b"HTTP/1.1 %d" % status for status in statuses], answer[:200])

    def test_paths_do_not_leave_the_key_space(self):
        before = sorted(path for path in self.folder.iterdir())
        for path in ("/sccache/../../secret", "/sccache/..", "/sccache/a/../../../secret", "/../secret", "//secret",
                     "/sccache/%2e%2e/%2e%2e/secret", "/sccache/..%2f..%2fsecret", "/sccache/%2e%2e%2fsecret",
                     "/sccache/%5c..%5csecret", "/sccache/..\\..\\secret", "/sccache/%00", "/sccache/a%00b",
                     "/sccache/%zz", "/sccache/%", "sccache/a", "http://127.0.0.1/sccache/../secret", "*"):
            for method in ("GET", "PUT"):
                answer = self.raw(f"{method} {path} HTTP/1.1\r\n".encode() + HOST +
                                  b"Content-Length: 1\r\nConnection: close\r\n\r\nx")
                self.assertNotIn(b"not for you", answer, path)
                if method == "GET":
                    self.assertRefused(answer, 400, 404, 405)
        self.assertEqual(sorted(path for path in self.folder.iterdir()), before)
        self.assertEqual((self.folder / "secret").read_text(), "not for you")
        self.assertFalse((self.folder.parent / "secret").exists())

    def test_heads_that_are_too_large_are_refused(self):
        for head in (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
                     b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 20_000 + b"\r\n",
                     b"A" * 200_000):
            self.assertRefused(self.raw(head), 400, 414, 431)

    def test_messages_that_two_parsers_would_read_differently_are_refused(self):
        for fields in (b"Content-Length: 3\r\nContent-Length: 4\r\n", b"Content-Length: 3, 4\r\n",
                       b"Content-Length: -1\r\n", b"Content-Length: +3\r\n", b"Content-Length: 0x3\r\n",
                       b"Content-Length: 99999999999999999999999\r\n", b"Content-Length: \r\n",
                       b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked, identity\r\n",
                       b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding : chunked\r\n", b"Host: two\r\n",
                       b" folded: yes\r\n", b"no colon\r\n", b"Na\x00me: x\r\n"):
            answer = self.raw(b"PUT /sccache/a/b/c/smuggled HTTP/1.1\r\n" + HOST + fields + b"\r\nabc")
            self.assertRefused(answer, 400, 413, 501)
        self.assertEqual(self.agent.get("a/b/c/smuggled")[0], 404)

    def test_bytes_that_are_no_http_are_refused(self):
        chance = random.Random(3)
        for _ in range(50):
            self.raw(chance.randbytes(chance.randrange(1, 2000)) + b"\r\n\r\n")
        for text in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 5000 + b"x\r\n\r\n"):
            answer = self.raw(text, timeout=5)
            self.assertNotIn(b" 200 ", answer.split(b"\r\n", 1)[0])

    def test_an_upload_beyond_the_limit_is_refused_before_its_bytes(self):
        answer = self.raw(b"PUT /sccache/a/b/c/huge HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000000000\r\n\r\n")
        self.assertRefused(answer, 400, 413, 507)

    def test_an_upload_that_breaks_off_leaves_nothing(self):
        before = self.agent.status()["stores"]
        for announced in (100, 1_000_000, 50_000_000):
            peer = socket.create_connection(("127.0.0.1", self.agent.port))
            peer.sendall(b"PUT /sccache/a/b/c/partial HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % announced +
                         b"x" * 50)
            peer.close()
        peer = socket.create_connection(("127.0.0.1", self.agent.port))
        peer.sendall(b"PUT /sccache/a/b/c/partial HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
        peer.close()
        time.sleep(0.2)
        self.assertEqual(self.agent.get("a/b/c/partial")[0], 404)
        self.assertEqual(self.agent.status()["stores"], before)

    def test_answers_nobody_reads_hold_up_nobody(self):
        body = random.Random(1).randbytes(8_000_000)
        self.assertEqual(self.agent.put("a/b/c/large", body), 201)
        deaf = []
        for _ in range(20):
            peer = socket.socket()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.connect(("127.0.0.1", self.agent.port))
            peer.sendall(b"GET /sccache/a/b/c/large HTTP/1.1\r\n" + HOST + b"\r\n")
            deaf.append(peer)
        begin = time.monotonic()
        for _ in range(20):
            self.assertServes()
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(self.agent.get("a/b/c/large")[1], body)
        for peer in deaf:
            peer.close()

    def test_hundreds_of_slow_clients_hold_up_nobody(self):
        self.assertServes()
        before = self.agent.descriptors()
        slow = [socket.create_connection(("127.0.0.1", self.agent.port)) for _ in range(256)]
        worst = 0.0
        head = b"PUT /sccache/a/b/c/slow HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n" + b"x" * 900
        for round_number in range(30):
            for number, peer in enumerate(slow):  # some idle, some in the head, some in the body
                if number % 4:
                    peer.sendall(head[round_number * (number % 4) * 11:][:(number % 4) * 11])
            begin = time.monotonic()
            self.assertServes()
            worst = max(worst, time.monotonic() - begin)
        self.assertLess(worst, 5)
        for peer in slow:
            peer.close()
        deadline = time.monotonic() + 20
        while self.agent.descriptors() > before + 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertLessEqual(self.agent.descriptors(), before + 2)

    def test_pipelined_requests_are_answered_in_order(self):
        count = 200
        requests = b"".join(b"GET /sccache/none/%d HTTP/1.1\r\n" % number + HOST + b"\r\n" for number in range(count - 1))
        answer = self.raw(requests + b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 404"), count - 1)
        self.assertTrue(answer.endswith(b"ok\n"), answer[-100:])

    def test_memory_does_not_follow_what_clients_send(self):
        before = self.agent.resident_mebibytes()
        for _ in range(40):
            peer = socket.create_connection(("127.0.0.1", self.agent.port))
            with contextlib.suppress(ConnectionError):
                peer.sendall(b"PUT /sccache/a/b/c/x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" +
                             b"fffffff\r\n" + b"y" * 2_000_000)
            peer.close()
        body = bytes(30_000_000)
        for number in range(3):
            self.assertEqual(self.agent.put(f"a/b/c/{number}", body), 201)
        self.assertLess(self.agent.resident_mebibytes() - before, 60)


class Guarded(unittest.TestCase):
    def test_the_token_file_is_read_once_and_the_token_wanted_everywhere(self):
        with tempfile.TemporaryDirectory(prefix="hearth-token-") as name:
            folder = pathlib.Path(name)
            token = folder / "token"
            token.write_text("very-secret\n")
            agent = Agent(folder, flags=("--token-file", str(token), "--log-level", "debug"))
            self.addCleanup(agent.close)
            self.assertFalse(token.exists())
            for path in ("/events", "/status", "/metrics", "/readyz", "/sccache/a"):
                self.assertEqual(agent.request("GET", path)[0], 401, path)
            status, page = agent.request("GET", "/")
            self.assertEqual(status, 200, "the page is for anybody")
            self.assertNotIn(b"integration", page, "and holds nothing, not even the tag")
            self.assertEqual(agent.request("GET", "/healthz"), (200, b"ok\n"))
            connection = http.client.HTTPConnection("127.0.0.1", agent.port)
            connection.request("GET", "/status", headers={"Authorization": "Bearer very-secret"})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertNotIn(b"very-secret", answer.read())
            connection.close()
            agent.end()
            self.assertNotIn("very-secret", agent.log.read_text())

    def test_a_rebound_name_is_refused(self):
        with tempfile.TemporaryDirectory(prefix="hearth-host-") as name:
            agent = Agent(pathlib.Path(name))
            self.addCleanup(agent.close)
            for host in ("evil.example", "127.evil.example", f"evil.example:{agent.port}"):
                connection = http.client.HTTPConnection("127.0.0.1", agent.port)
                connection.request("GET", "/status", headers={"Host": host})
                self.assertEqual(connection.getresponse().status, 403, host)
                connection.close()


if __name__ == "__main__":
    unittest.main()
