"""A stand-in for GOV.UK Notify's letters, on loopback, that answers as its documentation says.

Belongs here: what it checks of a precompiled letter's address, taking such letters, listing them by reference and status in
pages, and the errors of its documentation, when told to. Does not belong here: anything of ours. It really takes what it says it
took: ``taken`` is what would be printed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt

SERVICE, SECRET = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
API_KEY = f"live-{SERVICE}-{SECRET}"

# From 'Error codes' of its REST documentation, for letters.
ERRORS = {
    "no reference": (400, "ValidationError", "reference is a required property"),
    "not a pdf": (400, "ValidationError", "Letter content is not a valid PDF"),
    "team key": (400, "BadRequestError", "Cannot send letters with a team api key"),
    "clock": (403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds"),
    "key": (403, "AuthError", "Invalid token: API key not found"),
    "trial": (403, "BadRequestError", "Cannot send letters when service is in trial mode"),
    "duplicate": (409, "BadRequestError", "A notification with this reference exists"),
    "rate": (429, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds"),
    "day": (429, "TooManyRequestsError", "Exceeded send limits (20000) for today"),
    "internal": (500, "Exception", "Internal server error"),
    "away": (503, "Exception", "Service unavailable"),
}
PAGE = 2


# As notifications-utils has them, recipient_validation/postal_address.py and countries/.
_COUNTRIES = (Path(__file__).parent / "notify_countries.txt").read_text(encoding="utf-8").splitlines()[2:]
_UK = {name.removeprefix("UK:") for name in _COUNTRIES if name.startswith("UK:")}
_ABROAD = {name for name in _COUNTRIES if not name.startswith("UK:")}
_BARRED = tuple('@()=[]"\\/,<>~')
_BFPO = re.compile(r"\s*bfpo\s*(?:c/o)?\s*\d+\s*", re.IGNORECASE)
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-BD-HJLNP-UW-Z]{2}")


def refusal(lines: list[str]) -> str | None:
    """Why Notify refuses a precompiled letter whose window shows these lines, as it names it; None when it takes it."""
    lines = [unicodedata.normalize("NFKD", line).strip().rstrip(" ,") for line in lines]
    lines = [line for line in lines if line]
    shown = list(lines)
    forces = [line for line in lines if _BFPO.fullmatch(line)]
    lines = [line for line in lines if line not in forces]
    where = country(lines[-1]) if lines else None
    if where == "UK":
        while lines and country(lines[-1]) == "UK":
            lines.pop()
            shown.pop()
    postcode = bool(lines) and bool(_POSTCODE.fullmatch("".join(lines[-1].split()).upper()))
    checks = {
        "address-is-empty": not shown,
        "not-enough-address-lines": len(shown) < 3,
        "too-many-address-lines": len(shown) > 7,
        "invalid-address-line-1-or-2": not all(re.search("[a-zA-Z0-9]", line) for line in shown[:2]),
        "has-country-for-bfpo-address": bool(forces) and where == "ABROAD",
        "not-a-real-uk-postcode-or-country": not (postcode or forces or where == "ABROAD"),
        "invalid-char-in-address": any(line.startswith(_BARRED) for line in shown),
        "no-fixed-abode-address": any(
            re.search(r"^nfa$|no fixed (abode|address)", line, re.IGNORECASE) for line in shown
        ),
    }
    return next((name for name, refused in checks.items() if refused), None)


def country(line: str) -> str | None:
    """'UK', 'ABROAD', or None where Notify knows no country of that name."""
    if any(map(str.isdigit, line)):
        return None
    name = "".join(c for c in line.replace("&", "and").casefold() if c not in " _-'’,.()")
    for known in (name, f"the{name}", f"yr{name}", f"y{name}"):
        if known in _UK or known in _ABROAD:
            return "UK" if known in _UK else "ABROAD"
    return None


@dataclass
class Notify:
    """What it has, and what it is told to answer: to the next letters, one each, by name of ERRORS.

    'lost answer': takes the letter and closes the connection without a word. 'late error': takes it and answers 500.
    """

    url: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)
    look_ups: list[str] = field(default_factory=list)
    refuses_duplicates: bool = False
    deaf: bool = False

    @property
    def references(self) -> list[str]:
        return [one["reference"] for one in self.taken]

    def pdf(self, reference: str) -> bytes:
        (found,) = (one["content"] for one in self.taken if one["reference"] == reference)
        return bytes(found)

    def post(self, body: dict[str, Any]) -> tuple[int, Any] | None:
        answer = self.answers.pop(0) if self.answers else None
        if "reference" not in body:
            answer = "no reference"
        if self.refuses_duplicates and body.get("reference") in self.references:
            answer = "duplicate"
        content = base64.b64decode(body["content"])
        if not content.startswith(b"%PDF-"):
            answer = "not a pdf"
        if answer in ERRORS:
            return error(answer)
        one = {
            "id": str(uuid.uuid4()),
            "reference": body["reference"],
            "status": "pending-virus-check",
            "content": content,
        }
        self.taken.append(one)
        if answer == "lost answer":
            return None
        if answer == "late error":
            return error("internal")
        return 201, {"id": one["id"], "reference": one["reference"], "postage": "second"}

    def get(self, asked: dict[str, str]) -> tuple[int, Any]:
        self.look_ups.append(asked.get("reference", ""))
        if self.deaf:
            return error("away")
        newest_first = [
            {name: value for name, value in one.items() if name != "content"} | {"type": "letter"}
            for one in reversed(self.taken)
            if all(one[name] == asked[name] for name in ("reference", "status") if name in asked)
        ]
        ids = [one["id"] for one in newest_first]
        start = ids.index(asked["older_than"]) + 1 if asked.get("older_than") in ids else 0
        page = newest_first[start : start + PAGE]
        return 200, {"notifications": page, "links": {"current": self.url}}


def error(name: str) -> tuple[int, Any]:
    status, kind, message = ERRORS[name]
    return status, {"status_code": status, "errors": [{"error": kind, "message": message}]}


@contextlib.contextmanager
def running() -> Iterator[Notify]:
    """The stand-in, serving until the block ends."""
    notify = Notify()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, answer: tuple[int, Any] | None) -> None:
            if answer is None:
                self.close_connection = True
                return
            body = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _known(self) -> bool:
            token = self.headers["Authorization"].removeprefix("Bearer ")
            try:
                return bool(jwt.decode(token, SECRET, algorithms=["HS256"])["iss"] == SERVICE)
            except jwt.InvalidTokenError:
                return False

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v2/notifications/letter"
            self._answer(notify.post(body) if self._known() else error("key"))

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            assert asked.path == "/v2/notifications"
            self._answer(notify.get(dict(parse_qsl(asked.query))) if self._known() else error("key"))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    notify.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield notify
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
