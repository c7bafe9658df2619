"""The desk on a test's own store: served, asked, and with somebody in a role to ask as.

Belongs here: the application with a person that the test names, an address for each of its routes. Does not belong here: what a
page ought to show. That Airflow knows a person is tried on a real Airflow (``integration/test_supervisor.py``).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from playwright.sync_api import BrowserContext
from starlette.testclient import TestClient

from case_closure.domain.permissions import ROLES, Actor
from case_closure.web.app import make_app
from case_closure.web.site import Site
from tests.support.installation import Installation

PREFIX, FRAME = "/desk", "/airflow-frame"
AT = datetime(2017, 8, 14, 9, 30, tzinfo=UTC)
ALL_ROLES = ",".join(role for role in ROLES if role != "sensitive")
_COOKIE = "person"


def _frame(where: str) -> HTMLResponse:
    """A page of Airflow's about a page of ours: the same sandbox."""
    sandbox = "allow-scripts allow-same-origin allow-forms allow-downloads"
    return HTMLResponse(
        f'<html><iframe sandbox="{sandbox}" src="{escape(where)}" width="700" height="800"></iframe></html>'
    )


async def _find_person(request: Request) -> Actor:
    name, _, roles = request.cookies.get(_COOKIE, "").partition(":")
    if not name:
        raise HTTPException(401)
    return Actor(name, frozenset(filter(None, roles.split("+"))))


@dataclass
class Desk:
    """The desk of one installation. ``roles``: as '+'-joined names."""

    installation: Installation
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        self.app = FastAPI()
        self.pages = make_app(
            Site(lambda: self.installation.settings, secret="for tests", clock=lambda: AT), _find_person
        )
        self.app.add_api_route(PREFIX + FRAME, _frame)
        self.app.mount(PREFIX, self.pages)

    def client(self, *roles: str, name: str = "anna") -> Client:
        """A person in these roles, as a browser would ask; without any role named: in all but the sensitive one."""
        return Client(self, name, roles or tuple(ALL_ROLES.split(",")))

    def nobody(self) -> Client:
        return Client(self, "", ())

    @contextmanager
    def served(self) -> Iterator[str]:
        """The desk at an address on loopback, for a browser."""
        config = uvicorn.Config(self.app, port=0, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}{PREFIX}"
        finally:
            server.should_exit = True
            thread.join()


def sign_in(context: BrowserContext, address: str, *roles: str, name: str = "anna") -> None:
    """Be somebody in these roles (all but the sensitive one where none is named) in this browser."""
    whose = f"{name}:{'+'.join(roles or ALL_ROLES.split(','))}"
    context.add_cookies([{"name": _COOKIE, "value": whose, "url": address}])


class Client:
    """Asks as one person; posts as a browser does from a page of ours, with the token that the page had."""

    def __init__(self, desk: Desk, name: str, roles: tuple[str, ...]) -> None:
        self.client = TestClient(desk.app, base_url="http://testserver", raise_server_exceptions=False)
        if name:
            self.client.cookies.set(_COOKIE, f"{name}:{'+'.join(roles)}")

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return self.client.get(PREFIX + path, params=parameters or None, follow_redirects=False)

    def token(self, path: str) -> str:
        """The token of a form on that page."""
        found = re.search(r'name="token" value="([^"]+)"', self.get(path).text)
        assert found is not None, f"no form on {path}"
        return found[1]

    def post(
        self,
        path: str,
        fields: dict[str, Any],
        *,
        page: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send a form; with ``page``: as filled in there, so with its token."""
        given = {**({"token": self.token(page)} if page else {}), **fields}
        return self.client.post(
            PREFIX + path, data=given, headers=headers or {"Sec-Fetch-Site": "same-origin"}, follow_redirects=False,
        )  # fmt: skip


def address_of(path: str, installation: Installation) -> str:
    """The path of a route with something that there is in the place of each parameter."""
    for name in re.findall(r"{(\w+)(?::\w+)?}", path):
        value = str(_SAMPLES[name](installation))
        path = re.sub(r"{" + name + r"(:\w+)?}", quote(value, safe=""), path)
    return path


def _first(query: str) -> Any:
    def ask(installation: Installation) -> Any:
        return next(iter(installation.query(query)[0].values()))

    return ask


_A_BALANCE = """
    from reporting.balances b join reporting.casegroup_outcomes g using (casegroup_id)
    where g.outcome = 'TRANSITION_COMPLETE' and b.source = 'BALANCE' order by b.balance_id limit 1
"""

# A value for each name of a parameter in a path.
_SAMPLES: dict[str, Any] = {
    "name": lambda _: "desk.css",
    "business_date": _first("select max(business_date) from reporting.nights"),
    "dag_id": lambda _: "nightly",
    "exception_id": _first(
        "select exception_id from reporting.exceptions where status <> 'RESOLVED' and rule_code = 'method_of_payment_invalid' "
        "order by business_date desc, exception_id limit 1"
    ),
    "run_id": _first("select run_id from closure.night_stages limit 1"),
    "casegroup_id": _first(f"select casegroup_id {_A_BALANCE}"),
    "letter_id": _first("select letter_id from reporting.letters where status = 'ISSUED' order by 1 limit 1"),
    "number": _first("select payment_number from reporting.numbered_payments order by 1 limit 1"),
    "file": lambda _: "csa_balances",
    "key": _first(f"select concat_ws('/', b.business_date, extract_number, row_number) {_A_BALANCE}"),
}
