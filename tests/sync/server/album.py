"""Pictures of pages, as on a phone and as on a desk; and what can be measured of a page while it stands there."""

from __future__ import annotations

import os
from pathlib import Path

from tests.chromium import Chromium

FOLDER = "MENSHEN_PICTURES"
"""Names a folder that keeps the pictures; without it they go with the test."""

SIZES = {"phone": (390, 844), "desk": (1280, 800)}
LANGUAGES = ("zh", "en")

MEASURE = """
const faults = [], all = wanted => [...document.querySelectorAll(wanted)], told = e => e.outerHTML.slice(0, 80);
const right = e => e.getBoundingClientRect().right;
if (document.documentElement.scrollWidth > WIDE)
  faults.push(...all("main *, header *").filter(e => right(e) > WIDE + 1).slice(0, 3).map(e => "too wide: " + told(e)));
const ids = all("[id]").map(e => e.id);
faults.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map(id => `two of ${id}`));
const fields = all("input:not([type=hidden]), select, textarea, progress");
faults.push(...fields.filter(e => !e.labels.length && !e.ariaLabel).map(e => "no label: " + told(e)));
const doors = all("a, button, summary").filter(e => !(e.textContent.trim() || e.ariaLabel || e.querySelector("[alt]")));
faults.push(...doors.map(e => "no words: " + told(e)));
faults.push(...all("svg[role=img]").filter(e => !e.getAttribute("aria-label")).map(e => "no words: " + told(e)));
const read = performance.getEntriesByType("resource").map(one => one.name);
faults.push(...read.filter(name => !name.startsWith(location.origin + "/")).map(name => "from elsewhere: " + name));
if (all("h1").length !== 1) faults.push("not one h1");
return faults;
"""


class Album:
    """Takes pictures of the page that a browser shows."""

    def __init__(self, browser: Chromium, folder: Path) -> None:
        self.browser = browser
        self.folder = Path(os.environ.get(FOLDER) or folder / "pictures")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.faults: list[str] = []

    def here(self, name: str) -> None:
        """The page as it stands, in both sizes."""
        for size, (wide, high) in SIZES.items():
            self.browser.resize(wide, high, phone=size == "phone")
            self.browser.picture(self.folder / f"{name}-{size}.png")
            self.faults += [
                f"{name}, {size}: {fault}" for fault in self.browser.run(MEASURE.replace("WIDE", str(wide)))
            ]

    def page(self, site: str, path: str, name: str) -> None:
        """The page at `path`, in both languages and both sizes."""
        for language in LANGUAGES:
            self.browser.open(f"{site}/language/{language}?next=/static/mark.svg")
            self.browser.open(site + path)
            self.here(f"{name}-{language}")
