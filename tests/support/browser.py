"""A real browser for tests: Debian's Chromium, driven by Playwright; installed where it is not there and that is possible.

Belongs here: finding it, starting it, what every page is held to in it. Does not belong here: what a page ought to show.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Frame, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Its path. On a Debian machine of root's it is installed from the packages; else the failure says what to install."""
    there = _there()
    if there is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, **quiet)  # type: ignore[call-overload]
        subprocess.run(  # type: ignore[call-overload]
            ["apt-get", "install", "-qq", "--no-install-recommends", "chromium"], env=environment, **quiet
        )
        there = _there()
    assert there is not None, (
        f"The pages are tested in a real browser: install Chromium, so that one of {', '.join(_NAMES)} is on the PATH."
    )
    return there


def _there() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser without a window, closed afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def hindrances(page: Page) -> list[str]:
    """What axe finds that keeps people from using the page, in words."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found
    ]


def is_wider_than_its_window(page: Page | Frame) -> bool:
    """Whether a person would have to scroll the whole page sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
