"""Ways for a letter to leave: the print house's folder, or GOV.UK Notify.

Belongs here: the one interface of a way out, and what each answer of the other side means for a letter. Does not
belong here: which letters wait and what became of them (``sweeps.letters``, ``store.deliveries``).

A letter's number is its reference on the other side, so that it can be asked for again. A letter handed to Notify has its address
where Notify expects it: see ``letters/templates/frame.typ``.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from case_closure import refusals


@dataclass(frozen=True)
class Sent:
    """The other side has the letter, and calls it this."""

    reference: str


class LetterRefused(Exception):
    """The other side will not take this letter as it is; others may go on. The message is for whoever must act."""


class TryLater(Exception):
    """The letter certainly was not taken, and now is not the time for any: stop, and go on with a later run."""


class Unsure(Exception):
    """No answer, or one that does not say whether the letter was taken: it must be asked for before it is sent again."""


class ChannelRefused(refusals.Refused):
    """The other side takes no letter from us as we are set up; none was taken. The message says what to do."""


class Sender(Protocol):
    """A way out."""

    channel: str

    def send(self, letter_id: str, pdf: bytes) -> Sent:
        """Hand over one letter. Raises LetterRefused, TryLater, Unsure, ChannelRefused."""

    def find(self, letter_id: str) -> Sent | None:
        """The letter, if the other side has it and has not refused it. Raises TryLater, Unsure, ChannelRefused."""

    def refused(self) -> Iterator[tuple[str, str]]:
        """Letters that were taken and refused afterwards, each with the reason. Raises as ``find``."""


class PrintHouse:
    """The print house fetches the published outbound folder: what lies there is sent."""

    channel = "print"

    def send(self, letter_id: str, pdf: bytes) -> Sent:
        return Sent("outbound folder")

    def find(self, letter_id: str) -> Sent | None:
        return Sent("outbound folder")

    def refused(self) -> Iterator[tuple[str, str]]:
        return iter(())


# What Notify calls a letter that will not be printed; it keeps letters for some days, and says so until then.
_WILL_NOT_ARRIVE = {
    "validation-failed": "GOV.UK Notify could not print it: the PDF does not pass its checks (its page says which).",
    "virus-scan-failed": "GOV.UK Notify found what looks like a virus in it.",
    "technical-failure": "GOV.UK Notify failed to print it.",
    "permanent-failure": "GOV.UK Notify's print provider could not print it.",
    "cancelled": "Somebody cancelled it on GOV.UK Notify.",
}


class Notify:
    """GOV.UK Notify's precompiled letters, through its own client."""

    channel = "notify"

    def __init__(self, api_key: str, url: str) -> None:
        # The client logs each refusal as a warning with its reference; what became of a letter is in the store.
        logging.getLogger("notifications_python_client.base").setLevel(logging.ERROR)
        self._client: Any = NotificationsAPIClient(api_key, base_url=url)  # type: ignore[no-untyped-call]

    def send(self, letter_id: str, pdf: bytes) -> Sent:
        try:
            taken = self._client.send_precompiled_letter_notification(letter_id, io.BytesIO(pdf))
        except APIError as error:
            status, words = _said(error)
            if status == 409:
                return self.find(letter_id) or Sent("duplicate")
            if status == 400 and "ValidationError" in _kinds(error):
                raise LetterRefused(
                    f"GOV.UK Notify refused the letter: {words} Mend it and try it again."
                ) from None
            raise _meaning(error) from None
        return Sent(str(taken["id"]))

    def find(self, letter_id: str) -> Sent | None:
        for one in self._pages(reference=letter_id):
            if one.get("reference") == letter_id and one.get("status") not in _WILL_NOT_ARRIVE:
                return Sent(str(one["id"]))
        return None

    def refused(self) -> Iterator[tuple[str, str]]:
        for status, words in _WILL_NOT_ARRIVE.items():
            for one in self._pages(status=status, template_type="letter"):
                if one.get("reference"):
                    yield one["reference"], f"{words} Mend the cause and try it again."

    def _pages(self, **asked: str) -> Iterator[dict[str, Any]]:
        older_than = None
        while True:
            try:
                page = self._client.get_all_notifications(**asked, older_than=older_than)["notifications"]
            except APIError as error:
                raise _meaning(error) from None
            if not page:
                return
            yield from page
            older_than = page[-1]["id"]


def _meaning(error: APIError) -> Exception:
    """What an answer that is none of the letter's means for the run."""
    status, words = _said(error)
    if isinstance(error, InvalidResponse) or status >= 500 or getattr(error, "response", None) is None:
        return Unsure(f"GOV.UK Notify did not answer plainly ({status}): {words}")
    if status == 429:
        return TryLater(f"GOV.UK Notify asks to wait (429): {words}")
    return ChannelRefused(
        f"GOV.UK Notify takes no letter from this service ({status}): {words} No letter is lost: they wait. Check "
        "CASE_CLOSURE_NOTIFY_API_KEY (a live key), CASE_CLOSURE_NOTIFY_URL, the service's permission for letters, and this "
        "machine's clock, which must be right to 30 seconds."
    )


def _said(error: APIError) -> tuple[int, str]:
    """The status, and the words of the answer. A connection that failed has none of its own: 503."""
    message = error.message
    said = [str(one.get("message", one)) for one in message] if isinstance(message, list) else [str(message)]
    words = " ".join(said).strip()[:300]
    return error.status_code, words if words.endswith(".") else f"{words}."


def _kinds(error: APIError) -> set[str]:
    message = error.message
    return {str(one.get("error")) for one in message} if isinstance(message, list) else set()


def sender(channel: str, api_key: str | None, url: str) -> Sender:
    """The way out that is set. Raises ChannelRefused when it lacks its key."""
    if channel == PrintHouse.channel:
        return PrintHouse()
    if not api_key:
        raise ChannelRefused(
            "Letters are to go by GOV.UK Notify, and there is no key: set CASE_CLOSURE_NOTIFY_API_KEY to an API key of the "
            "service (GOV.UK Notify, API integration), or CASE_CLOSURE_LETTERS_CHANNEL=print. No letter is lost: they wait."
        )
    return Notify(api_key, url)
