"""Of which casegroups a night asks the money law: of all that it changed, and once a week of the whole book."""

from __future__ import annotations

from datetime import date

import pytest

from case_closure.domain.night import STAGES
from case_closure.night import run as shell
from case_closure.night.check_money_law import judged_alone
from case_closure.store import database, money_law
from case_closure.store.nights import Night, find
from tests.support.builders import case
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

# Thursday, Friday, and the Monday after.
FIRST, SECOND, MONDAY = date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14)


def more(what: str, pence: int = 1) -> str:
    moved = f"{what}_pence = {what}_pence + {pence}, received_pence = received_pence + {pence}"
    return f"update closure.positions set {moved} where csa_case_id = '{{}}'"  # noqa: S608


HELD_MORE, HELD_LESS = more("held"), more("held", -1)
POSTED_MORE, POSTED_LESS = more("posted"), more("posted", -1)


@pytest.fixture
def book(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A book of three casegroups, and a night that brings a fourth, up to its money law; of any number it has changed little."""
    monkeypatch.setattr(money_law, "FEW", 0)
    installation.land(FIRST, *(case(name, f"G{name}") for name in "ABC"), extract_id="DW-1")
    installation.run(FIRST, without="write_out")
    installation.land(SECOND, case("D", "GD"), extract_id="DW-2")
    before = STAGES[: STAGES.index("check_money_law")]
    shell.run_night(installation.context(SECOND), lambda *_: None, before)
    return installation


def check(installation: Installation, on: date = SECOND) -> str | None:
    """The words of the night's money law; None: it held."""
    try:
        shell.run_stage("check_money_law", installation.context(on))
    except shell.NightFailed as failed:
        return str(failed)
    return None


def asked_of(installation: Installation, on: date) -> list[str] | None:
    with database.transaction(installation.url) as connection:
        night: Night | None = find(connection, on)
        assert night is not None
        return judged_alone(connection, night)


def test_a_night_asks_the_law_of_what_it_changed_and_the_first_of_a_week_of_the_whole_book(
    book: Installation,
) -> None:
    assert asked_of(book, SECOND) == ["GD"]
    for wrong, mended in ((HELD_MORE, HELD_LESS), (POSTED_MORE, POSTED_LESS)):
        book.execute(wrong.format("D"))
        assert "GD CS2 D" in (check(book) or "")
        book.execute(mended.format("D"))
    assert check(book) is None

    # Of a casegroup that nothing came for only what is posted is held against the dues, with all others.
    book.execute(POSTED_MORE.format("A"))
    assert "the whole book" in (check(book) or "")
    book.execute(POSTED_LESS.format("A"))
    book.execute(HELD_MORE.format("A"))
    assert check(book) is None
    shell.run_stage("close_night", book.context(SECOND))

    book.land(MONDAY, case("E", "GE"), extract_id="DW-3")
    with pytest.raises(shell.NightFailed, match="GA CS2 A"):
        book.run(MONDAY, without="write_out")
    book.execute(HELD_LESS.format("A"))
    book.run(MONDAY, without="write_out")
    assert asked_of(book, MONDAY) is None


def test_what_has_the_nights_date_is_asked_of_though_the_night_did_not_judge_it(book: Installation) -> None:
    book.execute(HELD_MORE.format("B").replace(" where", f", business_date = '{SECOND}' where"))
    assert "GB CS2 B" in (check(book) or "")
