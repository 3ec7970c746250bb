"""Headless Chromium, driven over its DevTools protocol: opens a page, asks it things, presses keys, takes pictures,
and remembers what the page complained of and what it asked the network for."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from tests.e2e import tools

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--no-proxy-server", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb",
         "--lang=en-GB", "--remote-debugging-port=0")


class Browser:
    """One tab of a browser of its own; close it."""

    def __init__(self, width: int = 1180, height: int = 900):
        program = tools.browser()
        sys.path.insert(0, str(tools.websocket_client()))
        import websocket  # pylint: disable=import-outside-toplevel
        self.timeout_error = websocket.WebSocketTimeoutException
        self.profile = tempfile.TemporaryDirectory(prefix="hearth-browser-")
        self.process = subprocess.Popen([program, *FLAGS, f"--user-data-dir={self.profile.name}",
                                         f"--window-size={width},{height}", "about:blank"],
                                        # It leaves files where it keeps temporary ones: those go with the profile.
                                        env={**os.environ, "TMPDIR": self.profile.name}, start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.number = 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.socket = websocket.create_connection(self.tab_address(), suppress_origin=True, timeout=30,
                                                  http_no_proxy=["*"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def tab_address(self) -> str:
        told = pathlib.Path(self.profile.name) / "DevToolsActivePort"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if told.exists() and "\n" in told.read_text():
                port = told.read_text().split("\n")[0]
                with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
                    tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
                if tabs:
                    return tabs[0]["webSocketDebuggerUrl"]
            time.sleep(0.05)
        raise AssertionError("the browser does not start")

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.end_children()
        self.profile.cleanup()

    def end_children(self) -> None:
        """They end after their parent, and until then write into the profile."""
        deadline = time.monotonic() + 10
        try:
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                time.sleep(0.01)
        except ProcessLookupError:
            pass

    def call(self, method: str, **parameters) -> dict:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self.note(message)

    def note(self, message: dict) -> None:
        method, given = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(given["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(given["args"]))
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{given['entry']['text']} {given['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def reload(self) -> None:
        self.ask("window.before = true")
        self.call("Page.reload")
        self.wait_for("window.before === undefined && document.readyState === 'complete'")

    def ask(self, expression: str):
        """The value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def text(self, selector: str) -> str:
        return self.ask(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''")

    def wait_for(self, condition: str, seconds: float = 10) -> float:
        """How long it took until the expression was true."""
        begin = time.monotonic()
        while not self.ask(condition):
            if time.monotonic() - begin > seconds:
                shown = self.ask("document.body?.innerText")
                raise AssertionError(f"not so after {seconds} s: {condition}\n{shown}\n{self.complaints}")
            time.sleep(0.02)
        return time.monotonic() - begin

    def wait_for_text(self, selector: str, part: str, seconds: float = 10) -> float:
        return self.wait_for(f"(document.querySelector({json.dumps(selector)})?.textContent ?? '')"
                             f".includes({json.dumps(part)})", seconds)

    def press(self, key: str) -> None:
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Escape": 27}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, ord(key.upper()[0]))}
        if len(key) == 1 or key == "Enter":
            event["text"] = "\r" if key == "Enter" else key
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in event.items() if k != "text"})

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def prefer(self, scheme: str) -> None:
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def picture(self, path: pathlib.Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
