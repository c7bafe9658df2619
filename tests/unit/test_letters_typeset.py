"""The letters themselves, read from the PDF: their words, where they stand on the sheet, batches and index (B12-B18, R15)."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from case_closure.domain.letters import TITLES
from case_closure.outbound.letters import batches, contents
from case_closure.outbound.letters.typesetting import FOLDER, LetterNotSet, Pages, Typesetter
from tests.support import pdf
from tests.support.letters import ON, as_json, case, date, due, letter

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
        assert page.startswith(f"Reference {own}-G1-CS2-A-P1-2017-08-10 Page 1 of 1 ")


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
    spoken_of = re.sub(r"(names you as|I am) the (paying|receiving) parent", "", page)
    assert f"the {reader} parent" not in spoken_of
    assert not re.search(r"\b(NRP|PWC|PEWC|non-resident parent)\b", page)


def test_B18_6301_states_every_amount_of_every_case(typesetter: Typesetter) -> None:
    dues = [due("RP", "ACTIVE", 123456), due("RP", "SUSPENDED", 1), due("NI_SOS", "DEFERRED", 50, "B")]
    document, _ = said(typesetter, letter("CMSL6301", dues=dues))
    (page,) = pdf.pages(document)
    assert "You owe £1,235.07 in total." in page
    assert ("Case CS2 A Owed to the receiving parent, to be paid now £1,234.56 Owed to the receiving parent, payment paused "
            "£0.01 Total for this case £1,234.57") in page  # fmt: skip
    assert ("Case CS2 B Owed to the government (Northern Ireland), not being collected at present £0.50 "
            "Total for this case £0.50") in page  # fmt: skip


def test_R15_6302_shows_what_is_owed_to_government_apart(every_code: dict[str, list[str]]) -> None:
    page = every_code["CMSL6302"][0]
    assert (
        "What is owed to you Owed to you, being collected now £1,234.56 Total owed to you £1,234.56" in page
    )
    government = page.partition("What is owed to the government ")[2]
    assert (
        "Owed to the government (Great Britain), not being collected at present £0.07 Total owed to "
        "the government £0.07" in government
    )
    assert "In all, arrears of £1,234.63 are recorded on your case." in government


def test_6302_to_a_parent_who_is_owed_nothing_themselves_says_so(typesetter: Typesetter) -> None:
    document, _ = said(typesetter, letter("CMSL6302", dues=[due("NI_SOS", "ACTIVE", 5)]))
    assert "No arrears are owed to you on this case." in pdf.pages(document)[0]
    assert "Total owed to you" not in pdf.pages(document)[0]


def test_B17_6300_gives_the_caseworkers_dates_and_a_form_to_sign(every_code: dict[str, list[str]]) -> None:
    page = every_code["CMSL6300"][0]
    assert "The period is from 1 January 2009 to 31 March 2012." in page
    assert (
        "write off the child maintenance arrears owed to me for the period from 1 January 2009 to 31 March 2012."
        in page
    )
    assert "Total owed to you £1,234.56" in page
    assert page.endswith("Signature Date Yours sincerely Child Maintenance Service")


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
    every_code: dict[str, list[str]],
) -> None:
    words = tomllib.loads((FOLDER / "lang" / "en.toml").read_text(encoding="utf-8"))
    for code in CODES:
        page = " ".join(every_code[code])
        assert not re.search(r"\{[a-z-]+\}", page)
        sentences = [
            text for value in words[code].values() for text in ([value] if isinstance(value, str) else value)
        ]
        for sentence in sentences:
            if (code, sentence) != ("CMSL6302", words["CMSL6302"]["nothing"]):
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


def test_the_fullest_address_of_the_usual_size_fits_the_window(typesetter: Typesetter) -> None:
    content = letter("CMSL6302") | {"to": ["Ágy"] * contents.ROOMY_LINES, "roomy": True}
    on_the_sheet(said(typesetter, content)[0])
    for character in "WMmÂŴQge08":
        widest = character * next(
            n for n in range(99, 0, -1) if contents._width(character * n) <= contents.ROOMY_WIDTH
        )
        wide = letter("CMSL6302") | {"to": [widest], "roomy": True}
        (run,) = [
            run for run in on_the_sheet(said(typesetter, wide)[0]) if 40 < run.down < 66 and run.left < 120
        ]
        assert run.right - run.left < 94


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
    assert f"Ms Alex {MARKUP}" in first
    assert f"Dear {MARKUP}" in second


def test_a_letter_of_several_pages_counts_its_own_and_no_case_is_torn_apart(typesetter: Typesetter) -> None:
    other = letter("CMSL6301", number="G2--P2")
    document, places = said(typesetter, other, letter("CMSL6301", dues=MANY), other)
    words = pdf.pages(document)
    count = places.count[1]
    assert (places.first, places.count) == ((1, 2, 2 + count), (1, count, 1))
    assert count >= 4
    for number, page in enumerate(words[1 : 1 + count], start=1):
        assert f"Reference CMSL6301-G1-CS2-A-P1-2017-08-10 Page {number} of {count}" in page
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


def test_a_letter_that_cannot_be_set_is_named(typesetter: Typesetter) -> None:
    broken = letter("CMSL6303", number="G9--P9")
    del broken["led"]
    with pytest.raises(LetterNotSet, match=r"CMSL6303-G9--P9-2017-08-10\. The typesetter says: "):
        said(typesetter, letter("CMSL6303"), broken)


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
    ]  # fmt: skip
    assert {row["casegroup_id"] for row in index} == {"'=G"}  # no cell opens as a formula
    words = {name: pdf.pages(content) for name, content in made.items() if name.endswith(".pdf")}
    for row in index:
        number = row["letter_id"].partition("-")[2]
        pages = words[f"letters/{row['file']}"][int(row["first_page"]) - 1 :][: int(row["pages"])]
        assert len(pages) == (2 if row["code"] == "CMSL6314" else 1)
        assert f"Reference {row['code']}-{number}-2017-08-10" in pages[0]
        assert all(number in page for page in pages)


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
