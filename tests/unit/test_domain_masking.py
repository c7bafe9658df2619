"""A personal value beside an exception: nothing of it to read, nothing to count."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_closure.domain import masking
from case_closure.tables.landed import FILES

PERSONAL = sorted({column.name for file in FILES.values() for column in file.columns if column.personal})
SEEN = st.text(min_size=1).filter(lambda text: masking.shown(text, "csa_case_id") is not None)


@pytest.mark.parametrize("field", sorted(set(PERSONAL) - masking.NINOS))
@given(value=SEEN)
def test_every_personal_column_of_every_file_is_hidden_whole(field: str, value: str) -> None:
    assert masking.shown(value, field) == "******"


def test_the_list_is_that_of_the_files_and_the_persons_numbers() -> None:
    assert set(PERSONAL) | masking.PERSONS == masking.PERSONAL
    assert {name for name in PERSONAL if "nino" in name} == masking.NINOS


@pytest.mark.parametrize("field", sorted(masking.NINOS))
def test_a_well_formed_nino_keeps_its_end(field: str) -> None:
    assert masking.shown("BG 123456 A", field) == "******56A"


@pytest.mark.parametrize("field", sorted(masking.NINOS))
@given(
    value=SEEN.filter(lambda text: not re.fullmatch("[A-Z]{2}[0-9]{6}[A-Z]", text.replace(" ", "").upper()))
)
def test_what_stands_where_a_nino_should_is_hidden_whole(field: str, value: str) -> None:
    assert masking.shown(value, field) == "******"


@pytest.mark.parametrize(
    "field", ["surname", "postcode", "date_of_birth", "party_id", "paying_parent_id", "pp_account_number"]
)
@pytest.mark.parametrize("value", ["Ng", "Cox", "ZZ1", "12345678", "1980-01-02", "x" * 500])
def test_short_and_long_values_look_alike(field: str, value: str) -> None:
    assert masking.shown(value, field) == masking.HIDDEN


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12.5", "12.5"),
        ("-5.00", "-5.00"),
        ("£1,000.00", "£1,000.00"),
        ("Cox,RC1,5.00", "******"),
        ("AB123456A", "******"),
    ],
)
def test_what_stands_where_a_payments_amount_should_is_shown_if_it_is_one(value: str, shown: str) -> None:
    assert masking.shown(value, "value") == shown


@pytest.mark.parametrize("value", ["", "  ", "\u200b", "\u3164\u00ad"])
@pytest.mark.parametrize("field", ["surname", "nino", "csa_case_id"])
def test_where_there_is_nothing_to_see_nothing_was_found(value: str, field: str) -> None:
    assert masking.shown(value, field) is None


def test_a_value_that_is_cut_says_so() -> None:
    assert masking.shown("x" * 201, "scheme") == "x" * 200 + "…"
