"""A headless Chromium that tests talk to through two pipes: no driver, no port, no library."""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = "--headless --no-sandbox --disable-gpu --remote-debugging-pipe --hide-scrollbars --no-first-run".split()
READY = """new Promise((done, fail) => {
  const deadline = Date.now() + 10000;
  const look = () => {
    if (document.documentElement?.dataset.ready) requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
    else if (Date.now() > deadline) fail(new Error("the page is not ready after 10 s"));
    else setTimeout(look, 20);
  };
  look();
})"""


class Page:
    """One page: `open` a file, `run` JavaScript in it, send it events; `errors` lists what its console said."""

    def __init__(self, sent: Any, received: Any) -> None:
        self.sent, self.received, self.number, self.errors, self.session = sent, received, 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of a command of the DevTools protocol; messages end with a NUL."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        self.sent.write(json.dumps(message).encode() + b"\0")
        self.sent.flush()
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def read(self) -> dict[str, Any]:
        """The next message; an error, a warning or a request of the page is remembered."""
        text = bytearray()
        while (byte := self.received.read(1)) != b"\0":
            assert byte, "chromium has ended"
            text += byte
        message = json.loads(text)
        method, found = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(found["exceptionDetails"].get("exception", {}).get("description", str(found)))
        if method == "Log.entryAdded" and found["entry"]["level"] in ("error", "warning"):
            self.errors.append(found["entry"]["text"])
        if method == "Runtime.consoleAPICalled" and found["type"] in ("error", "warning"):
            self.errors.append(str(found["args"]))
        if method == "Network.requestWillBeSent" and not found["request"]["url"].startswith(
            ("file:", "about:", "data:")
        ):
            self.errors.append(f"requested {found['request']['url']}")
        return message

    def open(self, path: Path, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        """Opens a file from the file system and waits until it is ready."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.run(READY)

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript; a promise is awaited."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self.call("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def move(self, x: float, y: float) -> None:
        """Moves the pointer."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        """Presses and releases the left button."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Presses a key of this name."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def screenshot(self, path: Path) -> None:
        """Writes a PNG of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(b64decode(shot["data"]))


CONNECT = """
import os, sys
to_read, to_write, *command = sys.argv[1:]
for end, number in ((int(to_read), 113), (int(to_write), 114), (113, 3), (114, 4)):  # it reads 3 and answers on 4
    os.dup2(end, number)
os.execv(command[0], command)
"""


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A browser with one page; it ends with the block."""
    to_read, sent = os.pipe()
    received, to_write = os.pipe()

    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            CONNECT,
            str(to_read),
            str(to_write),
            str(PROGRAM),
            *FLAGS,
            f"--user-data-dir={profile}",
        ],
        pass_fds=(to_read, to_write),  # preexec_fn would fork this process, in which jax has threads
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    try:
        with os.fdopen(sent, "wb") as out, os.fdopen(received, "rb") as answers:
            yield Page(out, answers)
    finally:
        process.terminate()
        process.wait()
