"""The letters' codes and titles, as the domain page lists them."""

from __future__ import annotations

import hashlib

import pytest

from case_closure.domain import letters

TITLES = {
    "Please confirm that you would like us to write off your arrears": ["6300"],
    "Important information about your child maintenance payments": ["6301", "6302"],
    "Important: Child maintenance is changing - you need to make a new arrangement": [
        "6303",
        "6304",
        "6308",
        "6309",
    ],
    "Urgent: Your child maintenance arrangement will now end on <LED>": ["6305", "6310"],
    "Reminder: You need to make a new child maintenance arrangement": ["6306", "6311"],
    "Important information about your child maintenance case": ["6307", "6312"],
    "We've sent some important information to you": ["6313", "6314"],
}


@pytest.mark.parametrize(
    ("code", "title"), [(f"CMSL{code}", title) for title, codes in TITLES.items() for code in codes]
)
def test_each_letter_has_its_title(code: str, title: str) -> None:
    assert letters.TITLES[code].format(led="<LED>") == title


def test_there_are_fifteen_letters() -> None:
    assert list(letters.TITLES) == [f"CMSL{number}" for number in range(6300, 6315)]


def test_B18_R15_arrears_letters_and_the_covering_one() -> None:
    assert (letters.ARREARS_PAYING_PARENT, letters.ARREARS_RECEIVING_PARENT, letters.COVERING) == (
        "CMSL6301", "CMSL6302", "CMSL6314",
    )  # fmt: skip


def test_a_reference_finds_its_letter_among_others() -> None:
    numbers = [f"CMSL6301-G{number}---P{number}-2017-08-10" for number in range(2_000)]
    for wanted in numbers[::500]:
        assert list(letters.quoted_by(letters.reference(wanted).lower(), numbers)) == [wanted]
    assert list(letters.quoted_by(letters.reference("another"), numbers)) == []


def test_a_letter_is_among_those_whose_number_leaves_what_its_reference_tells() -> None:
    """As the store works it out: the first eight bytes of the hash as a signed number, what is left of it with its sign."""
    for number in range(500):
        letter_id = f"CMSL6301-G{number}---P{number}-2017-08-10"
        signed = int.from_bytes(hashlib.sha256(letter_id.encode()).digest()[:8], signed=True)
        left = abs(signed) % letters.REFERENCE_REMAINDERS * (1 if signed >= 0 else -1)
        assert left in letters.remainders(letters.reference(letter_id).lower())
