"""The letters: codes, titles, whether one goes out (B12-B18, R15, R16), and the reference its reader quotes.

Belongs here: what each code is, the order of reasons for which a letter is not sent, how long its reader has to answer.
Not: their text or layout.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from case_closure.domain.applications import PROACTIVE, REACTIVE
from case_closure.domain.cases import PAYING_PARENT, RECEIVING_PARENT

ISSUED: Final = "ISSUED"
NOT_ISSUED: Final = "NOT_ISSUED"
SUPPRESSED: Final = "SUPPRESSED"
NO_VALID_ADDRESS: Final = "NO_VALID_ADDRESS"
DLO: Final = "DLO"
DECEASED: Final = "DECEASED"

WRITE_OFF: Final = "CMSL6300"
ARREARS_PAYING_PARENT: Final = "CMSL6301"
ARREARS_RECEIVING_PARENT: Final = "CMSL6302"
REISSUE: Final = "CMSL6313"
COVERING: Final = "CMSL6314"

# Days from a letter's date in which to say that it is wrong, or to send back a form. Illustrative, as the wording is.
TO_ANSWER: Final = timedelta(days=30)

_NEW_ARRANGEMENT = "Important: Child maintenance is changing - you need to make a new arrangement"
_NOW_ENDS = "Urgent: Your child maintenance arrangement will now end on {led}"
_REMINDER = "Reminder: You need to make a new child maintenance arrangement"
_LIABILITY_ENDED = "Important information about your child maintenance case"
_PAYMENTS = "Important information about your child maintenance payments"
_SENT = "We've sent some important information to you"

TITLES: Final = {
    "CMSL6300": "Please confirm that you would like us to write off your arrears",
    "CMSL6301": _PAYMENTS, "CMSL6302": _PAYMENTS,
    "CMSL6303": _NEW_ARRANGEMENT, "CMSL6304": _NEW_ARRANGEMENT,
    "CMSL6305": _NOW_ENDS, "CMSL6306": _REMINDER, "CMSL6307": _LIABILITY_ENDED,
    "CMSL6308": _NEW_ARRANGEMENT, "CMSL6309": _NEW_ARRANGEMENT,
    "CMSL6310": _NOW_ENDS, "CMSL6311": _REMINDER, "CMSL6312": _LIABILITY_ENDED,
    "CMSL6313": _SENT, "CMSL6314": _SENT,
}  # fmt: skip

# The letters of closure, by journey and role (B12). First contact; second contact, when it becomes reactive; reminder
# while proactive; liability ended.
FIRST_CONTACT: Final = {
    (PROACTIVE, PAYING_PARENT): "CMSL6303", (REACTIVE, PAYING_PARENT): "CMSL6304",
    (PROACTIVE, RECEIVING_PARENT): "CMSL6308", (REACTIVE, RECEIVING_PARENT): "CMSL6309",
}  # fmt: skip
SECOND_CONTACT: Final = {PAYING_PARENT: "CMSL6305", RECEIVING_PARENT: "CMSL6310"}
REMINDER: Final = {PAYING_PARENT: "CMSL6306", RECEIVING_PARENT: "CMSL6311"}
ENDED: Final = {PAYING_PARENT: "CMSL6307", RECEIVING_PARENT: "CMSL6312"}
CLOSURE_CODES: Final = tuple(
    sorted({*FIRST_CONTACT.values(), *SECOND_CONTACT.values(), *REMINDER.values(), *ENDED.values()})
)

# What a reference is made of: nothing that is read as another (no I, L, O) and no vowel, so that it spells no word. Their number
# is a prime, so that one wrong character, or two that changed places, never give a reference that passes.
REFERENCE_ALPHABET: Final = "0123456789BCDFGHJKMNPQRSTVWXZ"
_REFERENCE_LENGTH = 10
_REFERENCES: Final = len(REFERENCE_ALPHABET) ** _REFERENCE_LENGTH
# A reference tells its first three places: of so many letters one has the same.
REFERENCE_REMAINDERS: Final = len(REFERENCE_ALPHABET) ** 3


def reference(letter_id: str) -> str:
    """What the reader quotes for a letter: eleven capitals and digits, the last a check; always the same for a letter_id.

    Two letters of a night have the same about once in ten thousand nights of 50,000: with the letter's date it is one letter.
    """
    number = _number(letter_id)
    places = []
    for _ in range(_REFERENCE_LENGTH):
        number, place = divmod(number, len(REFERENCE_ALPHABET))
        places.append(place)
    places.append(-_weighed(places) % len(REFERENCE_ALPHABET))
    return "".join(REFERENCE_ALPHABET[place] for place in places)


def is_reference(quoted: str) -> bool:
    """Whether it can be a reference as somebody read it out: small letters and spaces do not matter, a slip is found."""
    places = _places(quoted)
    return (
        len(places) == _REFERENCE_LENGTH + 1
        and -1 not in places
        and _weighed(places) % len(REFERENCE_ALPHABET) == 0
    )


def quoted_by(quoted: str, letter_ids: Iterable[str]) -> Iterator[str]:
    """Those of the letters whose reference it is; of millions, so without making each one's reference. ``is_reference`` first."""
    wanted = 0
    for place in reversed(_places(quoted)[:_REFERENCE_LENGTH]):
        wanted = wanted * len(REFERENCE_ALPHABET) + place
    return (letter_id for letter_id in letter_ids if _number(letter_id) == wanted)


def remainders(quoted: str) -> list[int]:
    """What is left of the first eight bytes of the SHA-256 of a letter_id with that reference, as a signed number divided by
    ``REFERENCE_REMAINDERS``, with its sign: one of these, by which a store finds it. ``is_reference`` first."""
    places = _places(quoted)[:3]
    positive = sum(place * len(REFERENCE_ALPHABET) ** turn for turn, place in enumerate(places))
    wrapped = (positive - 2**64) % REFERENCE_REMAINDERS
    return [positive, wrapped - REFERENCE_REMAINDERS if wrapped else 0]


def _number(letter_id: str) -> int:
    """What the reference writes in its alphabet, the lowest place first."""
    return int.from_bytes(hashlib.sha256(letter_id.encode()).digest()[:8]) % _REFERENCES


def _places(quoted: str) -> list[int]:
    return [REFERENCE_ALPHABET.find(character) for character in quoted.upper() if not character.isspace()]


def _weighed(places: list[int]) -> int:
    """The places by their weights, the last of eleven weighing one."""
    return sum(place * (_REFERENCE_LENGTH + 1 - number) for number, place in enumerate(places))
