"""The letters themselves, read from the PDF: their words, where they stand on the sheet, batches and index (B12-B18, R15)."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from babel import Locale

from case_closure.domain import countries
from case_closure.domain.letters import TITLES, reference
from case_closure.outbound.letters import address, batches, composing, forms
from case_closure.outbound.letters.typesetting import FOLDER, LetterNotSet, Pages, Typesetter
from tests.support import notify, pdf
from tests.support.letters import ON, as_json, by_hand, case, due, letter

CODES = sorted(TITLES)
WELSH = {
    "forenames": "Siân Ŵyn",
    "surname": "Ôdeŷ-Ïestyn",
    "address_line_1": "Tŷ’r Ysgol Ŷâêîôûŵŷ",
    "address_line_2": "Köln Łódź São",
}
MARKUP = r"#strong[x] $x^2$ *b* _i_ \ @a <b> `c` {led} #panic() ]) // /* ~ -- --- ... = - + 'q' " + '"q"'
MANY = [due(creditor, status, 100 + place, f"{place:02d}")
        for place in range(20) for creditor, status in (("RP", "ACTIVE"), ("GB_SOS", "DEFERRED"))]  # fmt: skip


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


def said(typesetter: Typesetter, *contents: dict[str, Any]) -> tuple[bytes, Pages]:
    return typesetter.pdf([as_json(content) for content in contents], ON)


def sheets(*contents: dict[str, Any]) -> list[str]:
    """Each with its values in it, and the copy behind it."""
    return [sheet.closed.form for content in contents for sheet in forms.sheets(as_json(content))]


def whole(typesetter: Typesetter, *contents: dict[str, Any]) -> bytes:
    """The same letters, nothing of them shared and nothing filled in."""
    document: bytes = typesetter.laid_out("whole", sheets(*contents), format="pdf", pdf_tags=False)
    return document


@pytest.fixture(scope="module")
def every_code(typesetter: Typesetter) -> dict[str, list[str]]:
    """The pages of a letter of each code, made as one document."""
    document, places = said(typesetter, *(letter(code) for code in CODES))
    words = pdf.pages(document)
    return {
        code: words[first - 1 : first - 1 + count]
        for code, first, count in zip(CODES, places.first, places.count, strict=True)
    }


# --- words


@pytest.mark.parametrize("code", CODES)
def test_every_letter_says_what_it_is_to_whom_and_when(every_code: dict[str, list[str]], code: str) -> None:
    first = every_code[code][0]
    assert TITLES[code].format(led="3 March 2018") in first
    assert "Child Maintenance Service" in first
    assert "10 August 2017" in first
    assert "CS2 A" in first
    to = (
        "Price and Daughters 2 Castle Street Cardiff CF10 1BS"
        if code == "CMSL6314"
        else "Ms Alex Walker 1 High Street Leeds LS1 4AP"
    )
    assert to in first
    assert ("Dear Price and Daughters" if code == "CMSL6314" else "Dear Ms Walker") in first


@pytest.mark.parametrize("code", CODES)
def test_every_page_bears_its_number_and_which_of_how_many_it_is(
    every_code: dict[str, list[str]], code: str
) -> None:
    for place, page in enumerate(every_code[code]):
        own = code if place == 0 else "CMSL6302"  # behind a covering letter lies the copy
        assert page.startswith(f"Reference {reference(f'{own}-G1-CS2-A-P1-2017-08-10')} Page 1 of 1 ")


LETTERS_OF_CLOSURE = [f"CMSL{number}" for number in range(6303, 6313)]


@pytest.mark.parametrize("code", LETTERS_OF_CLOSURE)
def test_a_letter_of_closure_gives_the_end_liability_date(
    every_code: dict[str, list[str]], code: str
) -> None:
    assert "3 March 2018" in every_code[code][0].partition("Dear")[2]


PAYING = ["CMSL6301", *LETTERS_OF_CLOSURE[:5]]
RECEIVING = ["CMSL6300", "CMSL6302", *LETTERS_OF_CLOSURE[5:]]


@pytest.mark.parametrize("code", PAYING + RECEIVING)
def test_B74_each_parent_is_spoken_to_in_their_own_words(every_code: dict[str, list[str]], code: str) -> None:
    """'You pay' and 'you receive': the other parent is named by role, the reader is 'you'; no old aliases."""
    page = every_code[code][0]
    reader, other = ("paying", "receiving") if code in PAYING else ("receiving", "paying")
    assert f"the {other} parent" in page.lower() or code in ("CMSL6300", "CMSL6307")
    spoken_of = re.sub(r"(names you as|I am Ms Alex Walker,) the (paying|receiving) parent", "", page)
    assert f"the {reader} parent" not in spoken_of
    assert not re.search(r"\b(NRP|PWC|PEWC|non-resident parent)\b", page)


def test_B18_6301_states_every_amount_of_every_case(typesetter: Typesetter) -> None:
    dues = [due("RP", "ACTIVE", 123456), due("RP", "SUSPENDED", 1), due("NI_SOS", "DEFERRED", 50, "B")]
    document, _ = said(typesetter, letter("CMSL6301", dues=dues))
    page = " ".join(pdf.pages(document))
    assert "You owe £1,235.07 in total." in page
    period = "These arrears are for the time from 1 January 2010 to 31 July 2017."
    assert (f"Case CS2 A {period} Owed to the receiving parent, being collected now £1,234.56 Owed to the receiving parent, "
            "collection paused £0.01 Total for this case £1,234.57") in page  # fmt: skip
    assert (f"Case CS2 B {period} Owed to the government (Northern Ireland), not being collected £0.50 "
            "Total for this case £0.50") in page  # fmt: skip


def test_R15_6302_shows_what_is_owed_to_government_apart(every_code: dict[str, list[str]]) -> None:
    page = every_code["CMSL6302"][0]
    assert (
        "What is owed to you Owed to you, being collected now £1,234.56 Total owed to you £1,234.56" in page
    )
    government = page.partition("What is owed to the government ")[2]
    assert (
        "Owed to the government (Great Britain), not being collected £0.07 Total owed to "
        "the government £0.07" in government
    )
    assert "In all, arrears of £1,234.63 are recorded on your case." in government


def test_6302_to_a_parent_who_is_owed_nothing_themselves_says_so(typesetter: Typesetter) -> None:
    document, _ = said(typesetter, letter("CMSL6302", dues=[due("NI_SOS", "ACTIVE", 5)]))
    assert "No arrears are owed to you on this case." in pdf.pages(document)[0]
    assert "Total owed to you" not in pdf.pages(document)[0]


def test_B17_6300_gives_the_caseworkers_dates_and_a_form_to_sign(every_code: dict[str, list[str]]) -> None:
    page = every_code["CMSL6300"][0]
    assert "This is about child maintenance for the time from 1 January 2009 to 31 March 2012." in page
    assert (
        "I am Ms Alex Walker, the receiving parent. I ask the Child Maintenance Service to write off £1,234.56 of child "
        "maintenance arrears owed to me on case CS2 A, for the time from 1 January 2009 to 31 March 2012."
        in page
    )
    assert "Total owed to you £1,234.56 You asked us to write off £1,234.56" in page
    assert "Send this whole letter to the address at the top, so that we have it by 9 September 2017." in page
    assert "Signature Name in capital letters Date Yours sincerely, Child Maintenance Service" in page


def test_6300_asks_to_write_off_what_is_left_of_what_was_not_to_be_kept(typesetter: Typesetter) -> None:
    dues = [due("RP", "ACTIVE", 30000), due("RP", "DEFERRED", 20000)]
    document, _ = said(typesetter, letter("CMSL6300", dues=dues, by_hand=[by_hand(5000, 10001)]))
    (page,) = pdf.pages(document)
    assert (
        "Total owed to you £500.00 Paid since £50.00 You want us to go on collecting £100.01 You asked us to write off £349.99"
        in page
    )
    assert "to write off £349.99 of child maintenance arrears owed to me on case CS2 A" in page


@pytest.mark.parametrize("code", ["CMSL6301", "CMSL6302"])
@pytest.mark.parametrize(
    ("statuses", "meant"),
    [
        (("ACTIVE",), ()), (("SUSPENDED",), ("Collection paused",)), (("DEFERRED",), ("Not being collected",)),
        (("ACTIVE", "SUSPENDED", "DEFERRED"), ("Collection paused", "Not being collected")),
    ],
)  # fmt: skip
def test_what_is_not_collected_now_is_explained_and_nobody_is_told_to_pay_it(
    typesetter: Typesetter, code: str, statuses: tuple[str, ...], meant: tuple[str, ...]
) -> None:
    dues = [due("RP", status, 59171) for status in statuses]
    page = pdf.pages(said(typesetter, letter(code, dues=dues))[0])[0]
    for words in ("Collection paused", "Not being collected"):
        assert (f"“{words}” means that" in page) == (words in meant), words
    if code == "CMSL6301":
        assert f"You owe £{591.71 * len(statuses):,.2f} in total." in page
        assert ("We are not collecting any of this now." in page) == ("ACTIVE" not in statuses)
        assert ("We are collecting £591.71 of this now." in page) == (
            "ACTIVE" in statuses and len(statuses) > 1
        )
        assert ("how and when to pay" in page) == ("ACTIVE" in statuses)
    else:
        assert ("We will contact the paying parent" in page) == ("ACTIVE" in statuses)


@pytest.mark.parametrize("code", ["CMSL6301", "CMSL6302"])
@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (date(2010, 1, 1), date(2017, 7, 31), "for the time from 1 January 2010 to 31 July 2017."),
        (date(2010, 1, 1), None, "for the time from 1 January 2010."),
        (None, date(2017, 7, 31), "for the time up to 31 July 2017."),
        (None, None, None),
    ],
)
def test_the_time_arrears_are_for_is_told_as_far_as_it_is_known(
    typesetter: Typesetter, code: str, since: date | None, until: date | None, words: str | None
) -> None:
    dues = [due("RP", "ACTIVE", 1, since=since, until=until)]
    page = pdf.pages(said(typesetter, letter(code, dues=dues))[0])[0]
    assert ("These arrears are" in page) == (words is not None)
    assert words is None or f"These arrears are {words}" in page


@pytest.mark.parametrize("code", CODES)
def test_every_letter_says_how_and_when_to_reach_us_and_in_which_other_forms_it_can_be_had(
    every_code: dict[str, list[str]], code: str
) -> None:
    for page in every_code[code]:
        for words in (
            "Telephone: ",
            "Monday to Friday, ",
            "Relay UK",
            "large print",
            "in Welsh",
            "yn Gymraeg",
        ):
            assert words in page, words


@pytest.mark.parametrize("code", [code for code in CODES if code not in ("CMSL6313", "CMSL6314")])
def test_every_letter_says_what_to_do_by_when_if_it_is_wrong(
    every_code: dict[str, list[str]], code: str
) -> None:
    assert re.search(r"(call|Call) or write to us by 9 September 2017", every_code[code][0])


@pytest.mark.parametrize("code", LETTERS_OF_CLOSURE)
def test_wherever_parents_are_to_agree_there_is_a_line_for_who_has_suffered_domestic_abuse(
    every_code: dict[str, list[str]], code: str
) -> None:
    assert (
        "If you have suffered domestic abuse, you do not have to contact the other parent"
        in every_code[code][0]
    )


def test_no_letter_says_that_a_payment_was_made_or_stopped(every_code: dict[str, list[str]]) -> None:
    for code in CODES:
        assert not re.search(r"have stopped|you will get your payments|has been paid", every_code[code][0]), (
            code
        )


@pytest.mark.parametrize("code", ["CMSL6313", "CMSL6314"])
def test_B14_behind_a_covering_letter_lies_the_copy_marked_so(
    every_code: dict[str, list[str]], code: str
) -> None:
    cover, copy = every_code[code]
    assert "Copy" not in cover.partition("Dear")[0]
    assert "Child Maintenance Service Copy Ms Alex Walker" in copy
    assert "Total owed to you £1,234.56" in copy
    assert "1 July 2017" in cover if code == "CMSL6313" else "You act for Ms Alex Walker." in cover


def test_R15_a_reactive_letter_to_a_receiving_parent_says_nothing_of_who_applied(
    every_code: dict[str, list[str]],
) -> None:
    for code in ("CMSL6309", "CMSL6310"):
        assert "We have received an application" not in every_code[code][0]


def test_every_sentence_of_the_language_file_is_used_and_no_value_is_left_open(
    typesetter: Typesetter, every_code: dict[str, list[str]]
) -> None:
    words = tomllib.loads((FOLDER / "lang" / "en.toml").read_text(encoding="utf-8"))
    others = {
        "CMSL6300": letter("CMSL6300", dues=[due("RP", "ACTIVE", 900)], by_hand=[by_hand(1, 2)]),
        "CMSL6301": letter("CMSL6301", dues=[due("RP", "SUSPENDED", 5)]),
        "CMSL6302": letter("CMSL6302", dues=[due("NI_SOS", "DEFERRED", 5)]),
    }
    for code in CODES:
        page = " ".join(
            [*every_code[code], *(pdf.pages(said(typesetter, others[code])[0]) if code in others else ())]
        )
        assert not re.search(r"\{[a-z-]+\}", page)
        sentences = [
            text for value in words[code].values() for text in ([value] if isinstance(value, str) else value)
        ]
        for sentence in sentences:
            for piece in re.split(r"\{[a-z-]+\}", sentence):
                # A line may break behind a hyphen.
                assert piece.strip().replace("- ", "-") in page.replace("- ", "-"), (code, piece)


# --- the sheet


@pytest.mark.parametrize("code", CODES)
def test_nothing_leaves_the_sheets_borders_and_the_window_holds_the_address_alone(
    typesetter: Typesetter, code: str
) -> None:
    """Issue 4: 'the address in the window position'. Borders and boxes are those GOV.UK Notify checks."""
    on_the_sheet(said(typesetter, letter(code))[0])


def on_the_sheet(document: bytes) -> list[pdf.Run]:
    """The runs of the first page, proven to stand where they may."""
    for number, page in enumerate(pdf.pages(document)):
        assert page
        for run in pdf.ink(document, number):
            assert run.left >= 15, run
            assert run.right <= 195, run
            assert 5 <= run.down <= 292, run
    runs = pdf.ink(document)
    upper_left = [run for run in runs if run.down < 95 and run.left < 125]
    address = [run for run in upper_left if run.down > 30]
    assert address
    for run in address:
        assert run.left >= 24.6, run
        assert run.right <= 120, run
        # The tallest letter reaches 0.25 mm up for each point, the deepest 0.08 down.
        assert run.down - run.points * 0.25 >= 40, run
        assert run.down + run.points * 0.08 <= 66.3, run
    assert all(run.right < 125 for run in upper_left)
    # What stands beside the address ends above the text, which begins with the title.
    assert min(run.down for run in runs if run.points == 16) > 95
    assert max(run.down for run in runs if run.points == 9.5) < 95
    return runs


def test_seven_lines_of_the_usual_size_fit_the_window_and_no_letter_is_wider_than_it_is_taken_for(
    typesetter: Typesetter,
) -> None:
    content = letter("CMSL6302") | {"to": ["Ágy"] * address.MOST_LINES, "points": 10}
    on_the_sheet(said(typesetter, content)[0])
    letters = [chr(code) for code in range(33, 127)] + list("ÂŴŷÖñ")
    lines = [[letter_ * 20 for letter_ in letters[place : place + 7]] for place in range(0, len(letters), 7)]
    made, _ = said(typesetter, *(letter("CMSL6302") | {"to": seven, "points": 10} for seven in lines))
    for number, seven in enumerate(lines):
        runs = [run for run in pdf.ink(made, number) if 40 < run.down < 66.3 and run.left < 120]
        assert len(runs) == len(seven)
        for run, line in zip(sorted(runs, key=lambda run: run.down), seven, strict=True):
            assert (run.right - run.left) * 72 / 25.4 <= address.width(line) / 100 * 10 + 0.1, line


LONG = {
    "title": "The Honourable Professor", "forenames": "Maximilian Alexander Bartholomew Montgomery",
    "surname": "Featherstonehaugh-Cholmondeley",
    "address_line_1": "Flat 24, The Very Old Converted Warehouse Building Number Three",
    "address_line_2": "Canal Side Industrial Heritage Quarter and Conservation Area",
    "address_line_3": "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
    "address_line_4": "Ynys Môn / Isle of Anglesey", "country": "IE",
}  # fmt: skip


@pytest.mark.parametrize("code", ["CMSL6301", "CMSL6302", "CMSL6305", "CMSL6314"])
def test_a_long_name_and_address_is_set_smaller_and_stays_in_the_window(
    typesetter: Typesetter, code: str
) -> None:
    representative = {f"representative_{name}": LONG[name] for name in LONG if name.startswith("address")}
    representative["representative_name"] = f"{LONG['forenames']} {LONG['surname']}"
    document, _ = said(typesetter, letter(code, party=LONG | representative))
    runs = on_the_sheet(document)
    # As large as fits: smaller than usual, and still to be read.
    assert 6 <= min(run.points for run in runs if 40 < run.down < 66 and run.left < 120) < 10
    assert "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" in pdf.pages(document)[0].replace(
        " ", ""
    )


FULL = {
    f"address_line_{number}": "FLAT 12 THE OLD SCHOOLHOUSE APARTMENTS UPPER ROAD" for number in range(1, 5)
}


@pytest.mark.parametrize("code", ["CMSL6301", "CMSL6302", "CMSL6303"])
@pytest.mark.parametrize(
    "party",
    [
        {}, LONG, {name: value.upper() for name, value in LONG.items()} | {"country": "DE"}, FULL, FULL | {"country": "VC"},
        FULL | {"country": "JE", "postcode": "JE2 3AB"}, {"country": "England"}, {"country": "UK"},
        {"address_line_1": "(Flat 2) 3 Rd"},
        {"address_line_1": "1 High Street,", "address_line_2": ","},
        {"address_line_2": "BFPO 40", "country": "DE", "postcode": None},
        {"address_line_1": "1 Sheffield Office Affiliation", "address_line_2": "Cliff Flats"},
        {"address_line_1": "HINTERHAUS " + "(LINKS " * 13},
        {"address_line_1": "A" * 60 + " (" + "B" * 30, "address_line_2": "/ " * 40, "address_line_3": "C" * 99},
    ],
)  # fmt: skip
def test_an_address_on_the_page_is_one_that_notify_takes(
    typesetter: Typesetter, code: str, party: dict[str, Any]
) -> None:
    document, _ = said(typesetter, letter(code, party=party))
    on_the_sheet(document)
    lines = pdf.in_window(document)
    assert lines == letter(code, party=party)["to"]
    assert notify.refusal(lines) is None, lines


def test_every_country_there_is_has_a_name_that_notify_knows() -> None:
    """Jersey, Guernsey, Sark and the Isle of Man are the UK to Notify, which wants their postcode."""
    codes = {code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()}
    codes -= {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "GB"}  # no countries, and the one that has no line
    assert len(codes) > 240
    islands = {"JE", "GG", "IM", "CQ"}
    for code in sorted(codes):
        where = notify.country(countries.line(code))
        assert where == ("UK" if code in islands else "ABROAD"), (code, countries.line(code))


def test_even_a_hostile_name_stays_on_the_sheet(typesetter: Typesetter) -> None:
    """Issue 4: 'Text never overflows.'"""
    endless = dict.fromkeys(("title", "forenames", "surname", "postcode", *LONG), "W" * 5_000)
    on_the_sheet(said(typesetter, letter("CMSL6302", number="W" * 5_000, party=endless, cases=[]))[0])
    huge = [
        due(creditor, status, 2**63 - 1, "W" * 200)
        for creditor, status in (("RP", "ACTIVE"), ("NI_SOS", "DEFERRED"))
    ]
    on_the_sheet(said(typesetter, letter("CMSL6301", dues=huge))[0])
    on_the_sheet(said(typesetter, letter("CMSL6303", cases=[case("W" * 200) for _ in range(30)]))[0])


def test_welsh_and_accented_letters_are_set_as_themselves(typesetter: Typesetter) -> None:
    document, _ = said(typesetter, letter("CMSL6302", party=WELSH))
    page = pdf.pages(document)[0]
    for value in WELSH.values():
        assert value in page
    for one in pdf.reader(document):
        fonts = {str(font.get_object()["/BaseFont"]) for font in one["/Resources"]["/Font"].values()}  # type: ignore[index]
        assert {name.partition("+")[2].partition("-")[0] for name in fonts} == {"LibertinusSerif"}


def test_what_looks_like_the_typesetters_own_language_is_printed_as_it_is(typesetter: Typesetter) -> None:
    document, _ = said(
        typesetter, letter("CMSL6302", party={"surname": MARKUP, "address_line_1": MARKUP}),
        letter("CMSL6314", party={"representative_name": MARKUP}, covered=letter("CMSL6307")),
    )  # fmt: skip
    first, second, _ = pdf.pages(document)
    assert f"Dear Ms {MARKUP}" in first
    assert f"Ms Alex {MARKUP[:40]}" in first
    assert f"Dear {MARKUP}" in second


def test_a_letter_of_several_pages_counts_its_own_and_no_case_is_torn_apart(typesetter: Typesetter) -> None:
    other = letter("CMSL6301", number="G2--P2")
    document, places = said(typesetter, other, letter("CMSL6301", dues=MANY), other)
    words = pdf.pages(document)
    count = places.count[1]
    assert (places.first, places.count) == ((1, 2, 2 + count), (1, count, 1))
    assert count >= 4
    for number, page in enumerate(words[1 : 1 + count], start=1):
        assert f"Reference {reference('CMSL6301-G1-CS2-A-P1-2017-08-10')} Page {number} of {count}" in page
        assert page.count("Case CS2") == page.count("Total for this case")
    assert sum(page.count("Total for this case") for page in words[1 : 1 + count]) == 20
    assert words[0] == words[-1]


def test_a_letter_that_proves_longer_than_guessed_still_counts_its_pages(typesetter: Typesetter) -> None:
    """The guess goes by lines of amounts; a name that fills pages is not foreseen."""
    content = letter("CMSL6303") | {"dear": "word " * 1_500}
    document, places = said(typesetter, letter("CMSL6303"), content)
    assert places.count[1] >= 2
    for number, page in enumerate(pdf.pages(document)[1:], start=1):
        assert f"Page {number} of {places.count[1]}" in page


def differing() -> list[dict[str, Any]]:
    """Of each code three letters; no value that could stand in two is the same in both."""
    contents = []
    for place, (party, status) in enumerate(((WELSH, "ACTIVE"), (LONG, "SUSPENDED"), ({}, "DEFERRED"))):
        on, name = date(2018, 4, 1 + place), f"C{place}"
        owed_to = ("RP", "GB_SOS")[: 1 + place % 2]
        dues = [due(creditor, status, 100 + place, name, on, on) for creditor in owed_to]
        for code in CODES:
            stated = dues[:1] if code == "CMSL6300" else dues
            said = letter(code, f"G{place}", party=party, cases=[case(name, on, on)], dues=stated)
            contents.append(said | {"by": f"{1 + place} May 2018"})
    return contents


def test_a_letter_says_the_same_among_others_as_alone(typesetter: Typesetter) -> None:
    """What letters share is set once for those alike in every value it says, and for no others (R15)."""
    contents = differing()
    document, places = said(typesetter, *contents)
    together = pdf.pages(document)
    for content, first, count in zip(contents, places.first, places.count, strict=True):
        alone = pdf.pages(said(typesetter, content)[0])
        assert together[first - 1 : first - 1 + count] == alone, content["id"]


def stand_alike(document: bytes, other: bytes, pages: int) -> None:
    """Every run of glyphs stands where it stands in the other; but for the foot, which is set in another order."""
    foot = 8
    for number in range(pages):
        ours, theirs = (
            [run for run in pdf.ink(made, number) if run.points != foot] for made in (document, other)
        )
        assert len(ours) == len(theirs), number
        for one, same in zip(ours, theirs, strict=True):
            assert (one.points, one.font) == (same.points, same.font)
            for edge in ("left", "right", "down"):
                assert getattr(one, edge) == pytest.approx(getattr(same, edge), abs=0.01), (number, one, same)


def test_what_is_set_apart_stands_where_it_stands_in_a_letter_that_is_set_whole(
    typesetter: Typesetter,
) -> None:
    contents = differing()
    document, places = said(typesetter, *contents)
    assert places.count == tuple(2 if content["copy"] else 1 for content in contents)
    stand_alike(document, whole(typesetter, *contents), sum(places.count))


OF_LETTER = (("ref",), ("dear",), ("case",), ("to",))
OF_ARREARS = (
    ("total", "now"),
    ("case",),
    ("since", "until"),
    ("receiver-total", "government-total", "total"),
    ("pounds",),
)


def widened(content: dict[str, Any], names: tuple[str, ...], text: str) -> dict[str, Any]:
    """The letter with a text in place of these values, wherever it has them, its cases included."""
    cases = [
        {name: text if name in names else value for name, value in one.items()}
        | {
            side: [{**row, "pounds": text} if "pounds" in names else row for row in one[side]]
            for side in ("receiver", "government")
        }
        for one in content["cases"]
    ]
    lines = {"to": [text[:80]] * 3} if "to" in names else {}
    of_letter = {name: text for name in names if name in content and name != "to"}
    return {**content, **of_letter, **lines, "cases": cases}


@pytest.mark.parametrize("code", ["CMSL6300", "CMSL6301", "CMSL6302", "CMSL6303"])
def test_a_value_of_any_width_stands_where_it_stands_in_a_letter_that_is_set_whole(
    typesetter: Typesetter, code: str
) -> None:
    """Where it has no room its line breaks, and the letter is set whole."""
    dues = [due("NI_SOS", "DEFERRED", 5), due("RP", "ACTIVE", 5)]
    content = letter(code, dues=dues[1:] if code == "CMSL6300" else dues)
    fields = OF_LETTER + (OF_ARREARS if code in ("CMSL6301", "CMSL6302") else ())
    contents = [
        widened(content, names, "0" * width)
        for names in fields
        for width in (12, 17, 22, 28, 36, 45, 60, 80, 100)
    ]
    document, places = said(typesetter, *contents)
    stand_alike(document, whole(typesetter, *contents), sum(places.count))


@pytest.mark.parametrize("code", ["CMSL6300", "CMSL6301", "CMSL6302"])
def test_words_of_any_width_for_an_amount_stand_where_they_stand_in_a_letter_that_is_set_whole(
    typesetter: Typesetter, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of another language may be."""
    words = forms._words("en")
    contents = [letter(code, dues=[due("RP", "ACTIVE", 123456)])]
    for width in (12, 60, 70, 80, 130):
        side = words[forms._ARREARS[code].words] | {"creditor": {"RP": "0" * width}}
        monkeypatch.setattr(forms, "_words", lambda _, side=side: words | {forms._ARREARS[code].words: side})
        document, places = said(typesetter, *contents)
        stand_alike(document, whole(typesetter, *contents), sum(places.count))
        assert "0" * 12 in pdf.pages(document)[0]


def test_values_of_other_alphabets_stand_where_they_stand_in_a_letter_that_is_set_whole(
    typesetter: Typesetter,
) -> None:
    """Set in another font or from the right, they are no glyphs of the letter's font, which alone are filled in."""
    names = (
        "שלום",
        "Ms שלום Ω",
        "\u200b",
        "a\u0085b",
        "a\u2028b",
        "\ue000",
        "\ue001\uf8ff",
        " x ",
        "fi ffl",
        "Æ ½ €",
        "Ⅷ 漢字 😀",
        "Featherstonehaug\u200bh",
    )
    contents = [
        letter("CMSL6302", f"{place:02d}") | {"dear": name, "to": [name, "Leeds"]}
        for place, name in enumerate(names)
    ]
    document, _ = said(typesetter, *contents)
    stand_alike(document, whole(typesetter, *contents), len(contents))
    assert "Dear \ue000" not in pdf.pages(document)[names.index("\ue000")]
    escaped, _ = typesetter.pdf([json.dumps(content) for content in contents], ON)
    assert escaped == document


def several_pages() -> list[dict[str, Any]]:
    """Letters about many cases: with values of usual widths, of none that fits, and more pages than are foreseen."""
    return [
        letter("CMSL6301", "G0", dues=MANY),
        letter("CMSL6301", "G1", dues=[one | {"amount_pence": 10} for one in MANY], party=WELSH),
        letter("CMSL6301", "G2", dues=[one | {"amount_pence": 100} for one in MANY], party=LONG),
        letter("CMSL6301", "G3", dues=MANY[:4]) | {"case": "0" * 45},
        letter("CMSL6301", "G4", dues=[one | {"csa_case_id": f"{part}{one['csa_case_id']}"} for part in "ABC" for one in MANY]),
    ]  # fmt: skip


def test_letters_of_several_pages_stand_where_they_stand_when_they_are_set_whole(
    typesetter: Typesetter,
) -> None:
    contents = several_pages()
    document, places = said(typesetter, *contents)
    assert min(places.count[:3]) >= 4
    assert places.count[4] >= 10
    stand_alike(document, whole(typesetter, *contents), sum(places.count))


def test_each_page_of_several_says_which_of_how_many_it_is_and_ends_with_it_at_the_margin(
    typesetter: Typesetter,
) -> None:
    contents = several_pages()
    document, places = said(typesetter, *contents)
    words = pdf.pages(document)
    for content, first, count in zip(contents, places.first, places.count, strict=True):
        for page in range(count):
            number = first - 1 + page
            assert f"Reference {content['ref']} Page {page + 1} of {count}" in words[number]
            foot = [run for run in pdf.ink(document, number) if run.points == 8]
            assert max(run.right for run in foot) == pytest.approx(190, abs=0.1)


def test_a_letter_has_a_second_page_just_when_its_parts_do_not_fit_the_first(typesetter: Typesetter) -> None:
    document, places = said(typesetter, *(letter("CMSL6301", dues=MANY[:lines]) for lines in range(1, 13)))
    assert places.count[0] == 1
    assert places.count[-1] == 2
    ends = 297 - 22  # the foot, of 8 points, stands below
    for number in range(sum(places.count)):
        assert max(run.down for run in pdf.ink(document, number) if run.points != 8) <= ends


def test_no_piece_that_pages_draw_is_cut_off(typesetter: Typesetter) -> None:
    """What a reader of PDF draws of a form is what lies within its box."""
    document, _ = said(typesetter, *(letter(code) for code in CODES))
    pieces = 0
    for page in pdf.reader(document):
        for piece in page["/Resources"]["/XObject"].values():  # type: ignore[index]
            pieces += 1
            assert list(piece.get_object()["/BBox"]) == list(page.mediabox)
    assert pieces > len(CODES)


def test_a_document_of_another_form_is_refused_in_words(typesetter: Typesetter) -> None:
    known = typesetter.laid_out("apart", sheets(letter("CMSL6303")), format="pdf", pdf_tags=False)
    composing.Typeset(known)
    for mine, theirs in ((b"/Contents ", b"/Content5 "), (b"/Filter/FlateDecode", b"/Filter/LZWDecode  ")):
        with pytest.raises(composing.Unreadable, match=r"requirements\.txt"):
            composing.Typeset(known.replace(mine, theirs))


def test_a_letter_that_cannot_be_set_is_named(typesetter: Typesetter) -> None:
    broken = letter("CMSL6303", number="G9--P9")
    del broken["led"]
    with pytest.raises(LetterNotSet, match=r"CMSL6303-G9--P9-2017-08-10\. The typesetter says: "):
        said(typesetter, letter("CMSL6303"), broken)


@pytest.mark.parametrize("code", CODES)
def test_a_letter_kept_before_letters_said_so_much_can_still_be_set(
    typesetter: Typesetter, code: str
) -> None:
    """What a letter said is kept for good, and sent again a year later."""
    new = ("by", "points", "now", "statuses", "name", "paid", "keep", "write-off", "since", "until")

    def older(content: dict[str, Any]) -> dict[str, Any]:
        content["cases"] = [{name: one[name] for name in one if name not in new} for one in content["cases"]]
        content["copy"] = content["copy"] and older(content["copy"])
        return {name: content[name] for name in content if name not in new} | {"roomy": True}

    content = older(letter(code)) | {"dear": "Ms Walker-Alexander-Montgomery and " * 2}
    document, places = said(typesetter, content)
    assert places.first == (1,)
    stand_alike(document, whole(typesetter, content), sum(places.count))
    assert "Ms Alex Walker" in " ".join(pdf.pages(document))


# --- batches and index

PARTS = 3


def parts(letters: int, code: str = "CMSL6307") -> Iterator[pa.Table]:
    """As ``store.letter_contents.parts`` gives them: two codes, cut anywhere."""
    rows = [
        {"letter_id": f"{one}-{number:04d}", "code": one, "recipient_role": "PAYING_PARENT", "party_id": f"P{number}",
         "casegroup_id": "=G", "covers_letter_id": None, "content": as_json(letter(one, f"{number:04d}"))}
        for one in (code, "CMSL6314") for number in range(letters)
    ]  # fmt: skip
    names = ("letter_id", "code", "recipient_role", "party_id", "casegroup_id", "covers_letter_id", "content")
    table = pa.Table.from_pylist(rows, pa.schema(dict.fromkeys(names, pa.string())))
    for start in range(0, table.num_rows, PARTS):
        yield table.slice(start, PARTS)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_batches_are_by_code_and_the_index_says_where_each_letter_is(tmp_path: Path) -> None:
    written = batches.write(parts(7), tmp_path, ON, processes=2, batch_letters=5)
    assert [(file.name, file.rows) for file in written] == [
        ("letters/CMSL6307-0001.pdf", 5), ("letters/CMSL6307-0002.pdf", 2),
        ("letters/CMSL6314-0001.pdf", 5), ("letters/CMSL6314-0002.pdf", 2), ("letters/index.csv", 14),
    ]  # fmt: skip
    assert written[-1].control_totals == {"pages": 21}
    made = files(tmp_path)
    assert sorted(made) == sorted(file.name for file in written)
    with (tmp_path / "letters/index.csv").open(newline="", encoding="utf-8") as text:
        index = list(csv.DictReader(text))
    assert list(index[0]) == [
        "letter_id", "code", "file", "first_page", "pages", "recipient_role", "party_id", "casegroup_id", "covers_letter_id",
        "reference",
    ]  # fmt: skip
    assert {row["casegroup_id"] for row in index} == {"'=G"}  # no cell opens as a formula
    words = {name: pdf.pages(content) for name, content in made.items() if name.endswith(".pdf")}
    for row in index:
        pages = words[f"letters/{row['file']}"][int(row["first_page"]) - 1 :][: int(row["pages"])]
        assert len(pages) == (2 if row["code"] == "CMSL6314" else 1)
        own = f"{row['letter_id']}-2017-08-10"
        assert f"Reference {row['reference']} " in pages[0]
        assert row["reference"] == reference(own)


def test_the_same_letters_are_the_same_bytes_however_many_processes_set_them(tmp_path: Path) -> None:
    batches.write(parts(5), tmp_path / "one", ON, processes=1, batch_letters=2)
    batches.write(parts(5), tmp_path / "three", ON, processes=3, batch_letters=2)
    assert files(tmp_path / "one") == files(tmp_path / "three")
    batches.write(parts(5), tmp_path / "later", date(2017, 8, 11), processes=1, batch_letters=2)
    assert files(tmp_path / "one") != files(tmp_path / "later")


def test_a_night_without_letters_has_an_index_with_none(tmp_path: Path) -> None:
    (only,) = batches.write(iter(()), tmp_path, ON, processes=1)
    assert (only.name, only.rows, only.control_totals) == ("letters/index.csv", 0, {"pages": 0})
    with (tmp_path / "letters/index.csv").open(newline="") as text:
        assert [row[:3] for row in csv.reader(text)] == [["letter_id", "code", "file"]]


def test_a_letter_that_cannot_be_set_stops_the_writing_and_is_named(tmp_path: Path) -> None:
    (table,) = (part.slice(0, 1) for part in parts(1))
    broken = table.set_column(6, "content", pa.array(['{"id":"CMSL6307-X","copy":null}']))
    with pytest.raises(
        LetterNotSet, match=r"CMSL6307-0001\.pdf: Letters that could not be typeset: CMSL6307-X\."
    ):
        batches.write([broken], tmp_path, ON, processes=1)
