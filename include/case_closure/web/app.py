"""The desk as an application: who asks, what every answer carries, and refusals as pages.

Belongs here: putting the pages together, letting people in, headers, errors in words. Does not belong here: what a page shows,
how Airflow knows a person (the plugin that mounts this says).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from case_closure import refusals
from case_closure.desk.acting import NotAllowed
from case_closure.domain.permissions import ACTIONS, Actor
from case_closure.web import access, forms, rendering
from case_closure.web.pages import (
    acts,
    casegroups,
    exceptions,
    home,
    letters,
    nights,
    payments,
    reconciliation,
    tranches,
)
from case_closure.web.site import Site

_log = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def make_app(site: Site, find_person: Callable[[Request], Awaitable[Actor]]) -> FastAPI:
    """The application. ``find_person``: gives the Actor who asks, or raises a 401.

    Raises access.UnknownRoute when a route has no line in the table of access.
    """

    async def let_in(request: Request) -> None:
        # No text of the store has it, and the server would not hear of it.
        if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise HTTPException(404)
        what = access.needed(request.method, request.scope["route"].path)
        if what == access.ANYBODY:
            return
        person = await find_person(request)
        request.state.person = person
        if not access.let_in(person, what):
            raise HTTPException(403, what)

    app = FastAPI(
        title="Case closure desk", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(let_in)],
        exception_handlers={
            StarletteHTTPException: _say_status, refusals.Refused: _say_refusal, RequestValidationError: _say_invalid,
            Exception: _say_broken,
        },
    )  # fmt: skip
    app.state.site = site
    for page in (home, nights, exceptions, casegroups, payments, letters, reconciliation, tranches, acts):
        app.include_router(page.router)
    app.add_api_route("/static/{name}", _static, methods=["GET"])
    app.add_middleware(_Guard)
    access.check_complete(routes_of(app))
    return app


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Every route of the application: method and path."""
    return {
        (method, route.path)
        for route in app.routes if isinstance(route, APIRoute)
        for method in route.methods - {"HEAD"}
    }  # fmt: skip


def _static(name: str) -> FileResponse:
    there = {path.name: path for path in rendering.STATIC.iterdir() if path.suffix in _TYPES}
    if name not in there:
        raise HTTPException(404)
    path = there[name]
    return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": "max-age=3600"})


# --- refusals, each a page of words


def _page(request: Request, status: int, title: str, text: str, *, sign_in: bool = False) -> HTMLResponse:
    return rendering.render(request, "words.html", status, title=title, text=text, sign_in=sign_in)


async def _say_status(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, StarletteHTTPException) else 500
    if status == 401:
        return _page(
            request, 401, "You are not signed in",
            "Your sign-in has ended, or you never signed in here. Sign in to Airflow, then open this page again. Nothing was "
            "changed; what you had typed is gone.", sign_in=True,
        )  # fmt: skip
    if status == 403:
        what = ACTIONS.get(str(getattr(error, "detail", "")))
        roles = (
            " or ".join(sorted(rendering.words(role) for role in what.roles))
            if what
            else "people with a role here"
        )
        says = what.says if what else "see this"
        return _page(
            request, 403, "This is not for your role",
            f"You may not {says}: that is for the {roles}. Whoever looks after Airflow's users gives roles.",
        )  # fmt: skip
    if status == 404:
        return _page(
            request, 404, "There is no such page",
            "There is nothing at this address, or it is not for everybody to see. Go on from the pages named above.",
        )  # fmt: skip
    if status == 405:
        return _page(
            request,
            405,
            "That cannot be done here",
            "This address does not take what was sent. Nothing was changed.",
        )
    return _page(request, status, "That did not work", "It was not done. Go back and try again.")


async def _say_refusal(request: Request, error: Exception) -> Response:
    status = 403 if isinstance(error, NotAllowed) else 400
    return _page(request, status, "That was not done", str(error))


async def _say_invalid(request: Request, error: Exception) -> Response:
    return _page(
        request, 400, "That cannot be read",
        "Something in the address is not as it should be: a date is written 2017-08-11. Go on from the pages named above.",
    )  # fmt: skip


async def _say_broken(request: Request, error: Exception) -> Response:
    # By its kind alone: its words may have a record in them.
    _log.error("A page of the desk failed: %s at %s", type(error).__name__, request.scope.get("route"))
    return _page(
        request, 500, "Something went wrong here",
        "That was our mistake, not yours, and it is in the log. Nothing was changed unless a page said so. Try again; if it "
        "stays, tell whoever looks after Airflow, with the time.",
    )  # fmt: skip


# --- what every answer carries, and how much may come


class _TooLarge(Exception):
    """More came than a form of ours can be."""


class _Guard:
    """Headers on every answer, and no more of a body than a form can have."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        came, begun = 0, False

        async def receive_some() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > forms.MOST_BYTES:
                raise _TooLarge
            return message

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in _HEADERS.items()
                        if name.lower().encode() not in there
                    ),
                ]
            await send(message)

        try:
            await self.app(scope, receive_some, send_guarded)
        except _TooLarge:
            if begun:
                raise
            await _too_large(Request(scope))(scope, receive, send_guarded)


def _too_large(request: Request) -> HTMLResponse:
    text = (
        f"What was sent is larger than a form here can be ({forms.MOST_BYTES:,} bytes). Nothing was changed."
    )
    return HTMLResponse(
        f"<!doctype html><html lang='en-GB'><title>Too large</title><h1>Too large</h1><p>{text}</p></html>",
        413,
    )
