"""Which address a letter can be sent to (B13, B14, R16), and that GOV.UK Notify takes each that can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from case_closure.domain import addresses
from case_closure.domain.countries import Whereabouts, line, whereabouts
from case_closure.outbound.letters import address
from tests.support import notify

GOOD: Mapping[str, Any] = {"address_line_1": "1 High Street", "postcode": "LS1 4AP", "country": "GB-ENG"}
AGENT: Mapping[str, Any] = {
    "representative_name": "Green and Co",
    "representative_address_line_1": "2 Low Road",
    "representative_postcode": "LS1 4AP",
}


def people(*rows: Mapping[str, Any]) -> pd.DataFrame:
    columns = (*addresses.CLIENT_COLUMNS, *addresses.REPRESENTATIVE_COLUMNS)
    return pd.DataFrame([dict.fromkeys(columns) | dict(row) for row in rows], columns=columns).astype("str")


def client(**over: Any) -> bool:
    return bool(addresses.clients_valid(people({**GOOD, **over}))[0])


def representative(**over: Any) -> bool:
    return bool(addresses.representatives_valid(people({**AGENT, **over}))[0])


@pytest.mark.parametrize(
    "over",
    [
        {}, {"postcode": "ls14ap"}, {"country": None}, {"country": "England"}, {"country": "UK"}, {"country": "-"},
        {"country": "GB-LND"}, {"country": "ZZ"}, {"country": "IE"},
        {"postcode": None, "country": "FR"}, {"postcode": "10115", "country": "de"}, {"postcode": None, "country": "Eire"},
        {"postcode": "JE2 3AB", "country": "JE"}, {"postcode": "gy11aa", "country": "GG"},
        {"postcode": "IM1 1AA", "country": "Isle of Man"}, {"postcode": "LS1 4AP", "country": "IM"},
        {"address_line_1": "Nfamous House"}, {"address_line_2": "Fixed Abode Lane"}, {"address_line_1": "Žižkov 5"},
    ],
)  # fmt: skip
def test_an_address_that_letters_are_sent_to(over: dict[str, Any]) -> None:
    """R16: abroad without a postcode is one. A good UK postcode is enough whatever stands for a country."""
    assert client(**over)


@pytest.mark.parametrize(
    "over",
    [
        {"address_line_1": None}, {"address_line_1": "-", "address_line_2": "Leeds"}, {"address_line_1": "\u0301 ."},
        {"postcode": None}, {"postcode": "LS1"}, {"postcode": "GIR 0AA"}, {"postcode": "gir0aa", "country": "England"},
        {"postcode": "JE2 3AB"}, {"postcode": None, "country": None},
        *({"postcode": None, "country": name} for name in ("England", "UK", "GBR", "Great Britain", "Cymru", "GB-LND", "-")),
        *({"postcode": None, "country": code} for code in ("ZZ", "EU", "N/A", "X", "9", "123")),
        *({"postcode": None, "country": code} for code in ("JE", "GG", "IM", "im", "Jersey", "Isle of Man")),
        {"postcode": "JE2", "country": "JE"},
        *({"address_line_1": said} for said in ("NFA", "nfa,", "N.F.A.", "(NFA)", "No fixed abode", "of no  fixed address")),
        {"address_line_3": "NFA"}, {"address_line_4": "No Fixed Abode, Leeds"},
        {"address_line_1": "ＮＦＡ"}, {"address_line_1": "NFA", "postcode": None, "country": "FR"},
    ],
)  # fmt: skip
def test_B13_an_address_that_no_letter_is_sent_to(over: dict[str, Any]) -> None:
    """What the post cannot sort, and what says that there is no address."""
    assert not client(**over)


@pytest.mark.parametrize(
    ("over", "valid"),
    [
        ({}, True),
        ({"representative_postcode": "ls14ap"}, True),
        ({"representative_postcode": "JE2 3AB"}, True),
        ({"representative_postcode": None}, False),
        ({"representative_postcode": "LS1"}, False),
        ({"representative_postcode": "GIR 0AA"}, False),
        ({"representative_address_line_1": None}, False),
        ({"representative_address_line_1": "."}, False),
        ({"representative_address_line_2": "NFA"}, False),
        ({"representative_name": None}, False),
        ({"representative_name": "-"}, False),
        ({"representative_name": "Žižka"}, True),
    ],
)
def test_B14_where_a_covering_letter_is_sent(over: dict[str, Any], valid: bool) -> None:
    """A representative has no country; where they are, their postcode says."""
    assert representative(**over) == valid


def test_each_person_is_judged_by_themselves() -> None:
    rows = people(GOOD, {**GOOD, "postcode": None}, {**GOOD, "country": "FR", "postcode": None}, AGENT)
    assert addresses.clients_valid(rows).tolist() == [True, False, True, False]
    assert addresses.representatives_valid(rows).tolist() == [False, False, False, True]
    assert len(addresses.clients_valid(people())) == 0


def test_what_is_no_country_makes_no_line() -> None:
    """The postcode has sorted it; nobody could read what stands there."""
    assert {where: line(where) for where in ("ZZ", "GB-LND", "England", "N/A", "")} == dict.fromkeys(
        ("ZZ", "GB-LND", "England", "N/A", ""), ""
    )
    assert whereabouts("Eire") is Whereabouts.ABROAD


LINES = st.sampled_from(
    (None, "1 High Street", "-", "NFA", "No fixed abode", "(Flat 2) 3 Rd", '"Rose Cottage"', "/12 Row", ",", "Leeds ,",
     "A" * 99, "Straße 5", "n f a", "½ Way", "[]", "FLAT 12 THE OLD SCHOOLHOUSE APARTMENTS UPPER ROAD")
)  # fmt: skip
POSTCODES = st.sampled_from(
    (None, "LS1 4AP", "ls14ap", "GIR 0AA", "JE2 3AB", "IM11AA", "GY1", "10115", "SW1A", "BF1 2AA")
)
COUNTRIES = st.sampled_from(
    (
        None,
        "GB-ENG",
        "GB",
        "UK",
        "England",
        "IM",
        "JE",
        "GG",
        "Jersey",
        "CQ",
        "FR",
        "de",
        "CI",
        "ZZ",
        "EU",
        "-",
        "GB-X",
        "Eire",
        "N/A",
    )
)

NAMES = st.sampled_from(("Green and Co", "Green and Co", None, "-", "(Green)", "& Co"))


@settings(max_examples=400, deadline=None)
@given(
    st.tuples(st.just("1 High Street") | LINES, LINES, LINES, LINES),
    st.just("LS1 4AP") | POSTCODES,
    COUNTRIES,
    NAMES,
)
def test_what_is_sent_is_what_notify_takes(
    lines: tuple[str | None, ...], postcode: str | None, country: str | None, name: str | None
) -> None:
    """Whatever stands in the record: an address that counts as valid is not refused when its page is looked at."""
    own = dict(zip(addresses.LINES, lines, strict=True)) | {"postcode": postcode, "country": country}
    agents = {f"representative_{name}": value for name, value in own.items() if name != "country"}
    row = {**own, **agents, "representative_name": name}
    known = people(row)
    sent = [
        to
        for to, valid in (
            (address.of_client(row, "Ms Alex Walker"), addresses.clients_valid(known)[0]),
            (address.of_representative(row), addresses.representatives_valid(known)[0]),
        )
        if valid
    ]
    for to in sent:
        shown, _ = address.in_window(to)
        assert notify.refusal(shown) is None, shown
