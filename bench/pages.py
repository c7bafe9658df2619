"""The pages over a whole book: each by itself, twenty people clicking at once, and the same while a night runs.

Belongs here: people who click, the clock in the server. Does not belong here: the pages; how the book came about.
"""

from __future__ import annotations

import http.client
import json
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.home import REPOSITORY

PEOPLE, TIMES = 20, 30
_PAUSE_SECONDS = (0.5, 1.5)  # what somebody reads before they click again
_MORE = (
    "/exceptions?sort=rule",
    "/exceptions?sort=casegroup&way=down",
    "/exceptions?rule=nino_missing",
    "/exceptions?status=ALL",
)
"""Addresses beside one for each route: a list is sorted and filtered more than it is opened."""


@dataclass
class Served:
    """The desk in a process of its own, and what it says of the time that each answer took."""

    address: str
    pages: list[str]
    cookie: str
    _process: subprocess.Popen[str] = field(repr=False)

    def seconds(self) -> dict[str, list[float]]:
        """Of each address asked since this was asked last, the seconds of its answers in the server."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told: dict[str, list[float]] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def served(url: str, environment: Mapping[str, str]) -> Iterator[Served]:
    """The desk over that store, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.pages", url], env=dict(environment), cwd=REPOSITORY, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Served(told["address"], told["pages"], told["cookie"], process)
    finally:
        process.kill()
        process.wait()


def one_by_one(desk: Served, times: int = TIMES) -> dict[str, list[float]]:
    """Each page so many times, nobody else asking; its seconds in the server. What is loaded with the first is not counted."""
    for page in desk.pages:
        _Person(desk, 0).click(page)
    desk.seconds()
    person = _Person(desk, 0)
    for _ in range(times):
        for page in desk.pages:
            person.click(page)
    assert not person.errors, person.errors[:3]
    return desk.seconds()


def all_at_once(desk: Served, people: int, until: threading.Event) -> tuple[list[float], list[str]]:
    """So many people clicking until then: the seconds of all answers in the server, and what was no page."""
    desk.seconds()
    crowd = [_Person(desk, number) for number in range(people)]
    threads = [threading.Thread(target=person.work, args=(until,)) for person in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for each in desk.seconds().values() for one in each], [
        e for person in crowd for e in person.errors
    ]


def for_a_minute(seconds: float = 60) -> threading.Event:
    """Set after a minute."""
    ended = threading.Event()
    threading.Timer(seconds, ended.set).start()
    return ended


def percentile(seconds: Sequence[float], hundredths: int = 95) -> float:
    """The value that so many of a hundred do not pass."""
    return statistics.quantiles(seconds, n=100)[hundredths - 1]


class _Person:
    """Somebody with a browser."""

    def __init__(self, desk: Served, number: int) -> None:
        self._desk, self._chance = desk, random.Random(number)
        self._connection = http.client.HTTPConnection(urlsplit(desk.address).netloc, timeout=60)
        self.errors: list[str] = []

    def click(self, page: str) -> None:
        path = urlsplit(self._desk.address).path + page
        try:
            self._connection.request("GET", path, headers={"Cookie": self._desk.cookie})
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self.errors.append(f"{page}: {type(error).__name__}")
            return
        if answer.status != 200:
            self.errors.append(f"{page}: {answer.status}")

    def work(self, until: threading.Event) -> None:
        until.wait(self._chance.uniform(0, _PAUSE_SECONDS[1]))
        while not until.is_set():
            self.click(self._chance.choice(self._desk.pages))
            until.wait(self._chance.uniform(*_PAUSE_SECONDS))


# --- the process that serves


class _Timed:
    """The application, with the seconds of each answer by its address."""

    def __init__(self, app: Any, prefix: str) -> None:
        self.app, self.prefix = app, prefix
        self.seconds: dict[str, list[float]] = defaultdict(list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        began = time.perf_counter()
        await self.app(scope, receive, send)
        if scope["type"] == "http":
            asked = scope["query_string"].decode()
            path = scope["raw_path"].decode().removeprefix(self.prefix) + (f"?{asked}" if asked else "")
            self.seconds[path].append(time.perf_counter() - began)


def main(url: str) -> None:
    """Serves until it is ended; a line in asks for the seconds since the last."""
    from pathlib import Path

    from case_closure.settings import Settings
    from case_closure.web import access
    from tests.support.desk import ALL_ROLES, PREFIX, Desk, address_of
    from tests.support.installation import Installation

    home = Settings.from_environment().home or Path()
    desk = Desk(Installation(url, home))
    timed = _Timed(desk.app, PREFIX)
    desk.app = timed  # type: ignore[assignment]
    pages = [
        address_of(path, desk.installation)
        for method, path in sorted(access.ROUTES) if method == "GET" and not path.startswith("/static/")
    ]  # fmt: skip
    with desk.served() as address:
        cookie = f"person=bench:{'+'.join(ALL_ROLES.split(','))}"
        print(json.dumps({"address": address, "pages": [*pages, *_MORE], "cookie": cookie}), flush=True)
        for _ in sys.stdin:
            told, timed.seconds = timed.seconds, defaultdict(list)
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
