"""What is posted from elsewhere, by another, stale, too large or hostile is refused in words, on every form there is."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from case_closure.domain.permissions import Actor
from case_closure.web import access, forms, rendering
from tests.pages.conftest import HOSTILE
from tests.support.desk import Desk, address_of

POSTED = sorted(path for method, path in access.ROUTES if method == "POST")


def _acts(desk: Desk) -> int:
    return int(desk.installation.query("select count(*) as acts from closure.acts")[0]["acts"])


@pytest.mark.parametrize("path", POSTED)
def test_a_form_from_another_site_is_refused(desk: Desk, path: str) -> None:
    where, before = address_of(path, desk.installation), _acts(desk)
    token = forms.token("for tests", Actor("anna", frozenset()))
    for headers in (
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://other"},
        {"X-Nothing": "no browser"},
    ):  # fmt: skip
        answer = desk.client().post(where, {"token": token}, headers=headers)
        assert answer.status_code == 400, headers
        assert "sent from another site" in answer.text
    assert _acts(desk) == before


@pytest.mark.parametrize("path", POSTED)
def test_a_form_made_for_another_or_long_ago_is_refused(
    desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = address_of(path, desk.installation)
    another = forms.token("for tests", Actor("ben", frozenset()))
    elsewhere = forms.token("another installation's", Actor("anna", frozenset()))
    long_ago = time.time() - 13 * 60 * 60
    monkeypatch.setattr(time, "time", lambda: long_ago)
    old = forms.token("for tests", Actor("anna", frozenset()))
    monkeypatch.undo()
    for token in (another, elsewhere, old, "", "nonsense", HOSTILE):
        answer = desk.client().post(where, {"token": token})
        assert answer.status_code == 400
        assert "This form was not made for you" in answer.text


@pytest.mark.parametrize("path", POSTED)
def test_ten_megabytes_are_refused_and_not_kept(desk: Desk, path: str) -> None:
    answer = desk.client().post(address_of(path, desk.installation), {"reason": "x" * 10_000_000})
    assert answer.status_code == 413
    assert "larger than a form here can be" in answer.text


def test_what_is_too_large_is_refused_also_where_it_comes_in_small_pieces(desk: Desk) -> None:
    """As a server hands a body on."""
    piece = {"type": "http.request", "body": b"x" * (forms.MOST_BYTES // 2), "more_body": True}
    pieces, said = iter([piece, piece, piece]), list[MutableMapping[str, Any]]()
    headers = {
        "cookie": "person=anna:team_leader", "sec-fetch-site": "same-origin",
        "content-type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    scope = {
        "type": "http", "method": "POST", "path": "/exceptions/allocate", "raw_path": b"", "root_path": "", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip

    async def receive() -> MutableMapping[str, Any]:
        return next(pieces, {"type": "http.request", "body": b""})

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message)

    # In a thread of its own: a browser that another test began has its loop in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, desk.pages(scope, receive, send)).result()
    assert said[0]["status"] == 413


def test_a_seal_is_of_its_installation_its_exception_and_its_value() -> None:
    """Who sees one learns nothing of the value, not by trying values out either: it is signed."""
    seals = [
        forms.seal(secret, one, held)
        for secret in ("for tests", "another's") for one in ("E1", "E2") for held in ("AB123456C", "AB123456A", None)
    ]  # fmt: skip
    assert len(set(seals)) == len(seals)
    assert forms.seal("for tests", "E1", "AB123456C") == seals[0]


def test_hostile_fields_end_in_words_and_never_in_a_fault(worked_on: Desk) -> None:
    client, token = worked_on.client(), forms.token("for tests", Actor("anna", frozenset()))
    for path in POSTED:
        where = address_of(path, worked_on.installation)
        for hostile in (HOSTILE, "", "\x00", "9" * 400, "2017-02-30", "-1", "😀", "\n", "a" * 100_000):
            answer = client.post(where, {**dict.fromkeys(FIELDS, hostile), "token": token})
            assert answer.status_code in (200, 303, 400, 403, 404, 409, 413), (
                path,
                hostile[:40],
                answer.text[-2000:],
            )
            assert "<script>alert" not in answer.text, path
            assert "<img" not in answer.text, path
    assert worked_on.installation.query("select count(*) as dues from closure.dues")[0]["dues"] > 0


def _fields_of_our_forms() -> tuple[str, ...]:
    """Every name of a field in a template."""
    templates = rendering.STATIC.parent / "templates"
    return tuple(
        sorted(
            {
                name
                for path in templates.glob("*.html")
                for name in re.findall(r'name="(\w+)"', path.read_text())
            }
        )
    )


FIELDS = _fields_of_our_forms()
