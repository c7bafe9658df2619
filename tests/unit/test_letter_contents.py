"""What stands in each letter: whose name and address, which cases, dates and amounts (B14, B18, B49, R15)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from case_closure.domain.letters import REFERENCE_ALPHABET, TITLES, is_reference, reference
from case_closure.outbound.letters import address, contents
from tests.support.letters import ON, case, client, due, letter

CODES = sorted(TITLES)


@pytest.mark.parametrize("code", CODES)
def test_every_letter_has_its_title_its_date_its_number_and_somebody_to_go_to(code: str) -> None:
    said = letter(code)
    assert said["title"] == TITLES[code].format(led="3\u00a0March\u00a02018")
    assert said["on"] == "10\u00a0August\u00a02017"
    assert said["ref"] == reference(f"{code}-G1-CS2-A-P1-2017-08-10")
    assert is_reference(said["ref"])
    assert said["to"][-1] == ("CF10 1BS" if code == "CMSL6314" else "LS1 4AP")


def test_B14_a_representative_is_addressed_and_the_clients_letter_goes_with_it() -> None:
    own = letter("CMSL6302")
    said = letter("CMSL6314", covered=own)
    assert said["to"] == ["Price and Daughters", "2 Castle Street", "Cardiff", "CF10 1BS"]
    assert said["dear"] == "Price and Daughters"
    assert said["client"] == "Ms Alex Walker"
    assert said["copy"] == own


def test_B18_6301_has_each_case_with_its_values_and_the_total() -> None:
    said = letter(
        "CMSL6301",
        dues=[due("RP", "ACTIVE", 100, "B"), due("RP", "ACTIVE", 5), due("NI_SOS", "SUSPENDED", 20)],
    )
    assert [(one["case"], one["total"]) for one in said["cases"]] == [("CS2 A", "0.25"), ("CS2 B", "1.00")]
    assert said["cases"][0]["government"] == [{"creditor": "NI_SOS", "status": "SUSPENDED", "pounds": "0.20"}]
    assert said["total"] == "£1.25"


def test_R15_6302_has_what_is_owed_to_government_apart_and_both_in_the_total() -> None:
    said = letter("CMSL6302")
    (one,) = said["cases"]
    assert (one["receiver-total"], one["government-total"], one["total"]) == ("1,234.56", "0.07", "1,234.63")
    assert [line["creditor"] for line in one["receiver"]] == ["RP"]
    assert [line["creditor"] for line in one["government"]] == ["GB_SOS"]


@pytest.mark.parametrize("stated", [123462, 123464, 0])
def test_a_letter_whose_amounts_do_not_add_up_to_its_row_is_not_written(stated: int) -> None:
    with pytest.raises(
        contents.LetterIncomplete,
        match=r"lacks dues that add up to its total; found 1,234\.63 pounds in 1 cases",
    ):
        letter("CMSL6302", row={"total_pence": stated})


@pytest.mark.parametrize(
    ("code", "missing", "says"),
    [
        ("CMSL6300", "by_hand", "a caseworker's from and to dates"),
        ("CMSL6303", "cases", "an end liability date"),
        ("CMSL6302", "dues", "dues that add up"),
    ],
)
def test_B17_a_letter_that_lacks_what_it_must_say_is_not_written(code: str, missing: str, says: str) -> None:
    nothing: dict[str, Any] = {missing: []}
    with pytest.raises(
        contents.LetterIncomplete, match=f"{code}-G1-CS2-A-P1-2017-08-10 is due and lacks {says}"
    ):
        letter(code, **nothing)


def test_a_letter_of_closure_gives_the_date_and_one_that_says_it_ended_the_day_it_did() -> None:
    said = letter(
        "CMSL6307", cases=[case("A", ended=date(2018, 3, 1)), case("B", ended=date(2018, 3, 2)), case("C")]
    )
    assert (said["led"], said["ended"]) == ("3\u00a0March\u00a02018", "2\u00a0March\u00a02018")
    assert said["case"] == "CS2 A, CS2 B, CS2 C"
    many = letter("CMSL6303", cases=[case(str(number)) for number in range(10, 21)])
    assert many["case"].endswith("CS2 20")
    many = letter("CMSL6303", cases=[case(str(number)) for number in range(10, 40)])
    assert many["case"].endswith(", CS2 19, CS2 20 and 19 more")


def test_an_overseas_address_without_a_postcode_is_whole_and_names_the_country() -> None:
    """R16: 'An overseas address without postcode is valid.'"""
    said = letter("CMSL6302", party={"country": "fr", "postcode": None, "address_line_4": "59000 Lille"})
    assert said["to"][-2:] == ["59000 Lille", "FRANCE"]
    assert letter("CMSL6302", party={"country": "IM", "postcode": "IM1 1AA"})["to"][-2:] == [
        "IM1 1AA",
        "ISLE OF MAN",
    ]
    assert letter("CMSL6302", party={"country": "GB-NIR", "postcode": "bt71 1aa"})["to"][-1] == "BT71 1AA"


def test_names_are_composed_and_what_does_not_print_is_gone() -> None:
    said = letter(
        "CMSL6302", party={"forenames": "Sia\u0302n\n\tMair", "surname": "O\u202e\u2019Brien\u0007"}
    )
    assert said["to"][0] == "Ms Siân Mair O\u2019Brien"
    assert said["dear"] == "Ms O\u2019Brien"
    assert letter("CMSL6302", party={"title": None})["dear"] == "Alex Walker"
    assert letter("CMSL6302", party={"title": None, "forenames": None, "surname": " "})["dear"] == ""


def test_a_hostile_line_is_cut_and_a_word_without_end_may_be_broken() -> None:
    said = letter("CMSL6302", party={"address_line_1": "x" * 100_000, "surname": "y" * 100})
    assert sum(line.count("x") for line in said["to"]) <= address.LONGEST_LINE
    assert max(map(len, said["dear"].replace("\u200b", " ").split())) <= contents.LONGEST_WORD


def test_a_reference_is_short_unbroken_its_letters_own_and_a_slip_in_it_is_found() -> None:
    """Issue 9: 'the reference a client quotes is short and unbroken'."""
    found = {reference(f"CMSL6301-G{number}---P-2017-08-10") for number in range(2_000)}
    assert len(found) == 2_000
    assert {len(one) for one in found} == {11}
    one = reference("CMSL6301-G1---P-2017-08-10")
    assert one == reference("CMSL6301-G1---P-2017-08-10")
    assert is_reference(f" {one[:4].lower()} {one[4:]} ")
    for place in range(11):
        for other in REFERENCE_ALPHABET.replace(one[place], ""):
            assert not is_reference(one[:place] + other + one[place + 1 :])
        swapped = one[:place] + one[place : place + 2][::-1] + one[place + 2 :]
        assert is_reference(swapped) == (swapped == one)
    assert not is_reference(one[:-1])
    assert not is_reference(one[:-1] + "?")


# --- the window

LONG_CAPITALS = (
    "HINTERHAUS DRITTER STOCK LINKS BEI FAMILIE SCHMIDT ROTTLUFF HOHENZOLLERN FLAT 12 THE OLD SCHOOLHOUS"
)


@pytest.mark.parametrize("country", [None, "DE", "JE"])
@pytest.mark.parametrize("long", range(5))
def test_an_address_takes_seven_lines_at_most_and_is_still_read(country: str | None, long: int) -> None:
    lines = {
        f"address_line_{number}": LONG_CAPITALS if number <= long else "MANCHESTER" for number in range(1, 5)
    }
    code = "JE2 3AB" if country == "JE" else "10115" if country else "LS1 4AP"
    said = letter("CMSL6302", party={**lines, "country": country, "postcode": code})
    assert 3 <= len(said["to"]) <= address.MOST_LINES
    assert said["points"] >= 6
    assert all(address.width(line) * said["points"] <= 94 / 25.4 * 72 * 100 for line in said["to"])
    assert said["to"][-1] == {"DE": "GERMANY", "JE": "JERSEY"}.get(country or "", "LS1 4AP")
    if long <= 2:
        printed = " ".join(said["to"]).replace(",", "")
        assert printed.count("SCHOOLHOUS") == long
        assert printed.count("MANCHESTER") == 4 - long


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("(Flat 2) 10 High Street", "Flat 2, 10 High Street"), ('"Rose Cottage"', "Rose Cottage"),
        ("/12 Tenement Row", "12 Tenement Row"),
        ("1 High Street,", "1 High Street"), ("<~@[Unit 3]", "Unit 3"), (" , ", None), ("-", None),
    ],
)  # fmt: skip
def test_a_line_begins_and_ends_as_notify_takes_it(written: str, printed: str | None) -> None:
    said = letter(
        "CMSL6302", party={"address_line_1": "1 House", "address_line_2": written, "address_line_4": None}
    )
    assert said["to"] == ["Ms Alex Walker", "1 House", *([printed] if printed else []), "LS1 4AP"]


@pytest.mark.parametrize(
    ("country", "last"),
    [
        ("HK", "HONG KONG"), ("CD", "CONGO (DEMOCRATIC REPUBLIC)"), ("CG", "REPUBLIC OF THE CONGO"), ("TR", "TURKEY"),
        ("PS", "OCCUPIED PALESTINIAN TERRITORIES"), ("VC", "SAINT VINCENT AND THE GRENADINES"), ("CI", "IVORY COAST"),
        ("cw", "CURACAO"), ("NI", "NICARAGUA"), ("Spain", "SPAIN"),
    ],
)  # fmt: skip
def test_a_country_is_named_as_notify_knows_it(country: str, last: str) -> None:
    assert letter("CMSL6302", party={"country": country, "postcode": None})["to"][-1] == last


@pytest.mark.parametrize("country", ["England", "UK", "united kingdom", "GB-WLS", "Cymru", "GBR", "", None])
def test_the_uk_is_no_country_of_an_address_whatever_it_is_called(country: str | None) -> None:
    assert letter("CMSL6302", party={"country": country})["to"] == [
        "Ms Alex Walker",
        "1 High Street",
        "Leeds",
        "LS1 4AP",
    ]


def test_the_forces_post_has_its_number_and_no_country() -> None:
    party = {"address_line_2": "BFPO 40", "address_line_4": None}
    assert letter("CMSL6302", party=party | {"country": "DE", "postcode": None})["to"][1:] == [
        "1 High Street",
        "BFPO 40",
    ]
    assert letter("CMSL6302", party=party | {"postcode": "BF12AA"})["to"][1:] == [
        "1 High Street",
        "BFPO 40",
        "BF1 2AA",
    ]


def test_B49_what_caseworkers_entered_stands_in_the_letter_for_that_parent_and_no_other() -> None:
    """On whichever case they stand ([22]); where the old value still stands."""
    people = ("payer", "A's", "B's", "A's")
    parties = pd.DataFrame([client(letter_id=str(at), party_id=who) for at, who in enumerate(people)])
    entered = pd.DataFrame(
        [
            {"entity": entity, "field": "surname", "old_value": old, "new_value": new, "csa_system": "CS2",
             "csa_case_id": case_id, "entered_on": ON, "resolution_id": new,
             "paying_parent_id": "payer", "receiving_parent_id": f"{case_id}'s"}
            for entity, case_id, old, new in (
                ("PAYING_PARENT", "B", "Walker", "Payer"), ("RECEIVING_PARENT", "A", "Walker", "Receiver"),
                ("RECEIVING_PARENT", "B", "Somebody", "Else"),
            )
        ]
    )  # fmt: skip
    assert contents.mended(parties, entered)["surname"].tolist() == [
        "Payer",
        "Receiver",
        "Walker",
        "Receiver",
    ]
