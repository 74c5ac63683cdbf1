"""Drives a headless Chromium over the DevTools protocol, through pipes."""

import base64
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time


class Chromium:
    def __init__(self, width=1400, height=1000, graphics=()):
        """`graphics`: options that give the browser WebGL; none for a browser without."""
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        to_read, self.commands = os.pipe()
        self.answers, to_write = os.pipe()

        def give_pipes():
            # The browser reads descriptor 3 and writes 4; both may be in use by the pipes themselves.
            reading, writing = (fcntl.fcntl(d, fcntl.F_DUPFD, 10) for d in (to_read, to_write))
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", *(graphics or ["--disable-gpu", "--disable-3d-apis"]), "--remote-debugging-pipe", "--no-first-run",
             "--hide-scrollbars", f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=give_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def message(self, seconds=60):
        end = time.time() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], max(0, end - time.time()))[0]:
                raise TimeoutError("the browser does not answer")
            self.buffer += os.read(self.answers, 1 << 20)
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        while True:
            answer = self.message()
            if answer.get("id") != self.number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, address):
        self.call("Page.navigate", url=address)

    def run(self, script):
        """The value of an expression, waited for."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:2000])
        return result["result"].get("value")

    def wait(self, condition, seconds=60):
        """Waits until an expression is true."""
        end = time.time() + seconds
        while not self.run(f"Boolean({condition})"):
            if time.time() > end:
                raise TimeoutError(f"{condition}: {self.run('document.body.innerText')[:500]}")
            time.sleep(0.02)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def problems(self):
        """Errors and warnings of the console, and uncaught exceptions."""
        self.run("1")
        found = []
        for event in self.events:
            name, details = event.get("method"), event.get("params", {})
            if name == "Runtime.exceptionThrown":
                found.append(json.dumps(details["exceptionDetails"])[:500])
            elif name == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning"):
                found.append(json.dumps(details["args"])[:500])
            elif name == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
                found.append(f"{details['entry']['text']} {details['entry'].get('url', '')}")
        return found

    def requests(self):
        """The addresses that were asked for."""
        self.run("1")
        return [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]

    def unnamed(self):
        """Controls that a screen reader would have no name for."""
        controls = {"button", "slider", "combobox", "textbox", "spinbutton", "checkbox", "link", "image", "img"}
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [f"{node['role']['value']} {node.get('backendDOMNodeId')}" for node in nodes
                if not node.get("ignored") and node.get("role", {}).get("value") in controls
                and not node.get("name", {}).get("value", "").strip()]

    def close(self):
        try:
            self.call("Browser.close")
        except Exception:
            self.process.kill()
        self.process.wait(20)
        self.profile.cleanup()
