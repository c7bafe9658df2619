"""Texts from outside: how they are shown, and when there is nothing to read in them."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_closure.domain.texts import is_blank, printable, printable_lines, shown

ANY_TEXT = st.text(st.characters(codec=None, categories=None))
DECEIVING = (
    "\x00\x07\x08\t\n\r\x1b\x7f\x85\x9b\xad\u061c\u200b\u200e\u202e\u2028\u2029\u2066\u2069\ufeff\ud800"
)


@pytest.mark.parametrize("character", DECEIVING)
def test_a_character_that_could_deceive_is_shown_as_what_it_is(character: str) -> None:
    assert printable(f"a{character}b") == f"a<U+{ord(character):04X}>b"


def test_what_can_be_read_is_shown_as_it_is() -> None:
    for text in ("DW-2017-08-10-1", "Siân O’Brien", "Ng’ŵ", "🙂", "王", "e\u0301", "a, b; '=1+1'", ""):
        assert printable(text) == text


@given(ANY_TEXT)
def test_whatever_came_is_shown_on_one_line_that_any_terminal_and_file_can_hold(text: str) -> None:
    line = printable(text)
    assert line.isprintable()
    assert line.splitlines() in ([], [line])
    line.encode()


@given(ANY_TEXT)
def test_lines_of_ours_stay_lines_and_no_other_character_makes_one(text: str) -> None:
    lines = printable_lines(text).split("\n")
    assert [printable(line) for line in text.split("\n")] == lines
    assert all(line.splitlines() in ([], [line]) for line in lines)


@given(ANY_TEXT, st.integers(10, 100))
def test_a_text_within_a_message_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(shown(text, limit)) <= limit
    assert shown("x" * 10_000_000, limit) == "x" * (limit - 3) + "..."


NOTHING = {
    "nothing": "", "space": " ", "tab": "\t", "newline": "\n", "NUL": "\x00", "no-break space": "\u00a0",
    "ideographic space": "\u3000", "zero width space": "\u200b", "joiner": "\u200d", "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad", "right-to-left mark": "\u200f", "isolate": "\u2066\u2069", "override": "\u202e",
    "Hangul filler": "\u3164", "half-width Hangul filler": "\uffa0", "Hangul jamo fillers": "\u115f\u1160",
    "Braille blank": "\u2800", "grapheme joiner": "\u034f", "variation selector": "\ufe0f", "tags": "\U000e0041",
    "Mongolian separator": "\u180e", "line separator": "\u2028", "word joiner": "\u2060", "several": " \u200b\u2800\n",
}  # fmt: skip


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_a_text_of_what_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(f"{text}-{text}")


@pytest.mark.parametrize("text", ["-", ".", "–", "0", "Ng", "\u0301", "\ufffd", "\u0600", "王", "\U0001f642"])
def test_a_dash_is_something_to_read(text: str) -> None:
    assert not is_blank(text)


def test_every_space_and_control_of_unicode_is_blank() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Zs", "Zl", "Zp", "Cc"):
            assert is_blank(chr(code)), hex(code)
