"""Chromium without a window, told what to do through its DevTools: messages in JSON over a pair of pipes.

     Chromium(proxy, home) ──navigate, evaluate──► a page        Fetch.authRequired ──► the credentials it is given

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import subprocess
import time


class Chromium:
    """A browser with one page, behind `proxy` (a URL). credentials: (user, password), for whoever asks."""

    def __init__(self, proxy, home, credentials=("", "")):
        self.credentials, self._number = credentials, 0
        self._events, self._rest = [], b""
        (theirs, self._to), (self._from, back) = os.pipe(), os.pipe()
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                   f"--proxy-server={proxy}", f"--user-data-dir={home}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{back}', "bash", *command], pass_fds=(theirs, back),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env=os.environ | {"HOME": str(home)})
        os.close(theirs)
        os.close(back)
        page = self._say("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._say("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for method, words in (("Page.enable", {}), ("Fetch.enable", {"handleAuthRequests": True})):
            self._say(method, **words)

    def _say(self, method, **words):
        """Give an order, and return what comes of it."""
        self._number += 1
        self._send(self._number, method, words)
        mine = self._number
        return self._until(lambda message: message.get("id") == mine).get("result", {})

    def _send(self, number, method, words):
        message = {"id": number, "method": method, "params": words}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")

    def _until(self, wanted):
        """Read messages up to the one that is wanted; whoever asks for credentials gets them."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            while b"\0" not in self._rest:
                self._rest += (data := os.read(self._from, 65_536))
                assert data, "the browser has ended"
            one, _, self._rest = self._rest.partition(b"\0")
            message = json.loads(one)
            if wanted(message):
                return message
            self._help(message.get("method"), message.get("params", {}))
        raise AssertionError("the browser does not answer")

    def _help(self, event, said):
        if event == "Fetch.requestPaused":
            self._number += 1
            self._send(self._number, "Fetch.continueRequest", {"requestId": said["requestId"]})
        elif event == "Fetch.authRequired":
            self._events.append(said["authChallenge"])
            user, password = self.credentials
            answer = {"response": "ProvideCredentials", "username": user, "password": password}
            if not user or len(self._events) > 5:  # it asks again and again for those that are wrong
                answer = {"response": "CancelAuth"}
            self._number += 1
            self._send(self._number, "Fetch.continueWithAuth",
                       {"requestId": said["requestId"], "authChallengeResponse": answer})

    @property
    def asked(self):
        """Who has asked for credentials so far: (whether the proxy or a server, the realm)."""
        return [(one["source"], one["realm"]) for one in self._events]

    def navigate(self, url):
        """Go there; return what went wrong, "" if nothing did."""
        wrong = self._say("Page.navigate", url=url).get("errorText", "")
        if not wrong:
            self._until(lambda message: message.get("method") == "Page.loadEventFired")
        return wrong

    def evaluate(self, script):
        """What an expression of JavaScript is in the page, once it is known."""
        return self._say("Runtime.evaluate", expression=script, awaitPromise=True,
                         returnByValue=True)["result"].get("value")

    def close(self):
        os.killpg(self.process.pid, 9)
        self.process.wait(30)
        os.close(self._to)
        os.close(self._from)
