"""What is posted to a page: from our own pages, with a signed token, not too large, as text.

Belongs here: telling our own forms from others'. Does not belong here: what a form means (its page).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException

from case_closure import refusals
from case_closure.domain.permissions import Actor
from case_closure.web.site import person_of, site_of

TOKEN: Final = "token"
MOST_BYTES: Final = 1_000_000
_MOST_FIELDS: Final = 3_000
_LASTS_SECONDS: Final = 12 * 60 * 60


class FormRefused(refusals.Refused):
    """What was posted is not taken for a form of ours; the message says what to do."""


@dataclass(frozen=True)
class Posted:
    """The fields of a form. Text alone: a file is no field."""

    fields: dict[str, list[str]]

    def one(self, name: str) -> str:
        """The field's value without blanks around it; empty where it was not given."""
        return (self.fields.get(name) or [""])[0].strip()

    def all(self, name: str) -> list[str]:
        """All values of a field, as of boxes that were ticked; each once."""
        return list(dict.fromkeys(self.fields.get(name, [])))


def token(secret: str, person: Actor) -> str:
    """What a page puts into its forms, so that they are known to be ours and this person's."""
    return str(_serializer(secret).dumps(person.name))


def seal(secret: str, *values: str | None) -> str:
    """A mark of values that a page must not show, for its form to bring back: the same for the same values; it tells nothing."""
    return hmac.new(secret.encode(), json.dumps(values).encode(), hashlib.sha256).hexdigest()


def _serializer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="case-closure-desk")


async def read_form(request: Request) -> Posted:
    """The form that came with a request. Raises FormRefused."""
    _refuse_from_elsewhere(request)
    try:
        form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    except (MultiPartException, ValueError):
        raise FormRefused("That is no form of this page's. Nothing was changed.") from None
    posted = _as_text(form)
    try:
        whose = _serializer(site_of(request).secret).loads(posted.one(TOKEN), max_age=_LASTS_SECONDS)
    except BadSignature:
        whose = None
    if whose != person_of(request).name:
        raise FormRefused(
            "This form was not made for you, or has lain open for half a day. Go back, open the page again and send it once "
            "more. Nothing was changed."
        )
    return posted


def _refuse_from_elsewhere(request: Request) -> None:
    """A browser says where a request comes from; what comes from another site is none of ours."""
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if (fetched is None and origin is None) or fetched not in (None, "same-origin") or not own:
        raise FormRefused("This was sent from another site, or by no browser. Nothing was changed.")


def _as_text(form: FormData) -> Posted:
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if not isinstance(value, str) or "\x00" in value:
            raise FormRefused("A field of the form is not text. Nothing was changed.")
        fields.setdefault(name, []).append(value)
    return Posted(fields)


APosted = Annotated[Posted, Depends(read_form)]
