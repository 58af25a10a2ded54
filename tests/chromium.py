"""A real browser for tests: Debian's Chromium without a screen, driven by chromedriver (W3C WebDriver) over HTTP."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver, 11: the name under which references travel


def programs() -> tuple[str, str] | None:
    """Browser and driver, if both are installed (Debian: chromium, chromium-driver)."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    return (found[0], found[1]) if found[0] and found[1] else None


class Chromium:
    """One window."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http, self._session = http, f"/session/{session}"

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        self._call("url", url=url)

    def fill(self, selector: str, text: str) -> None:
        """Type into a field, or choose a file by its path."""
        self._on(selector, "value", text=text)

    def choose(self, selector: str, value: str) -> None:
        """Choose from a list."""
        self._on(f'{selector} option[value="{value}"]', "click")

    def click(self, selector: str) -> None:
        """Click; if that leads to another page, it is loaded afterwards."""
        self._on(selector, "click")

    def text(self, selector: str = "body") -> str:
        """What can be read there."""
        found = self._call("element", using="css selector", value=selector)[_ELEMENT]
        answer = self._http.get(f"{self._session}/element/{found}/text").json()["value"]
        return answer if isinstance(answer, str) else ""  # the page has just given way to another one

    def wait_for(self, says: str, limit_s: float = 20.0) -> str:
        """Wait until the page says it; the whole text then."""
        return _until(lambda: self.text(), lambda text: says in text, limit_s)

    def run(self, script: str) -> Any:
        """What a piece of JavaScript returns; the page's own policy does not bind it."""
        return self._call("execute/sync", script=script, args=[])

    def resize(self, wide: int, high: int, *, phone: bool = False) -> None:
        """Look at the page as on a screen of so many CSS pixels."""
        size = {"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": phone}
        self._call("goog/cdp/execute", cmd="Emulation.setDeviceMetricsOverride", params=size)

    def picture(self, path: Path) -> None:
        """The whole page, also what lies below the screen's edge, as a PNG."""
        wanted = {"format": "png", "captureBeyondViewport": True}
        taken = self._call("goog/cdp/execute", cmd="Page.captureScreenshot", params=wanted)
        path.write_bytes(base64.b64decode(taken["data"]))

    def errors(self) -> list[str]:
        """What the browser's console complained of."""
        return [entry["message"] for entry in self._call("se/log", type="browser") if entry["level"] == "SEVERE"]

    def _on(self, selector: str, what: str, **body: Any) -> None:
        found = self._call("element", using="css selector", value=selector)[_ELEMENT]
        self._call(f"element/{found}/{what}", **body)

    def _call(self, what: str, **body: Any) -> Any:
        answer = self._http.post(f"{self._session}/{what}", json=body).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer), f"{what} {body}: {answer['message']}"
        return answer


def _begun(answer: dict[str, Any]) -> str:
    if "sessionId" not in answer:
        raise RuntimeError(f"Chromium did not start: {answer.get('message', answer)}")
    return str(answer["sessionId"])


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """A browser with a new, empty profile in `folder`, which believes any certificate."""
    found = programs()
    assert found is not None
    flags = [*FLAGS, "--ignore-certificate-errors", f"--user-data-dir={folder}"]
    wanted = {"goog:chromeOptions": {"binary": found[0], "args": flags}, "goog:loggingPrefs": {"browser": "ALL"}}
    driver = subprocess.Popen([found[1], "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{_port_of(driver)}", timeout=60, trust_env=False) as http:
            body = {"capabilities": {"alwaysMatch": wanted}}
            session = http.post("/session", json=body).json()["value"]["sessionId"]
            try:
                http.post(f"/session/{session}/timeouts", json={"implicit": 10_000}).raise_for_status()
                yield Chromium(http, session)
            finally:
                http.delete(f"/session/{session}")
    finally:
        driver.terminate()
        driver.wait(20)
        assert driver.stdout is not None
        driver.stdout.close()


def _port_of(driver: subprocess.Popen[str]) -> int:
    assert driver.stdout is not None
    for line in driver.stdout:
        if found := re.search(r"successfully on port (\d+)", line):
            return int(found[1])
    raise AssertionError("chromedriver ended before it listened")


def _until(look: Callable[[], Any], good: Callable[[Any], bool], limit_s: float) -> Any:
    ends = time.monotonic() + limit_s
    while not good(seen := look()):
        assert time.monotonic() < ends, f"waited in vain; the last thing seen was: {seen}"
        time.sleep(0.05)
    return seen
