"""Letters of a night: from its rows to what is typeset, and on to those that wait to be sent.

Belongs here: the order of reading, concluding and storing. Does not belong here: SQL (``store``), what letters say and look like
(``outbound.letters``), sending (``sweeps.letters``).

For a night: ``prepare``; ``parts`` into ``outbound.letters.batches.write``; the folder is published; ``published``.
What a letter said is kept before it is typeset, so that running a night again writes the same bytes, whatever came in
since.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from case_closure.night import letters_by_hand
from case_closure.night.parallel import in_parts, over_parts
from case_closure.outbound.letters import contents as concluding
from case_closure.settings import Settings
from case_closure.store import database, deliveries, letter_contents, nights
from case_closure.store.database import Connection
from case_closure.store.letter_contents import parts
from case_closure.tables.frames import to_frame

__all__ = ["parts", "prepare", "published"]

_AT_A_TIME = 10_000


def prepare(
    url: str, on: date, *, by_hand: bool, workers: int, holding: Callable[[Connection], None]
) -> dict[str, int]:
    """Make the night's letters ready to write: those asked for by hand become due, and what each says is kept, part by part.

    ``holding`` proves in each transaction that the night may be worked on. ``by_hand``: whether what was asked for by hand
    becomes due; not in a rerun of a night that succeeded, nor on a late night (R21, R39). Raises
    ``outbound.letters.contents.LetterIncomplete``, and then keeps nothing.
    """
    with database.transaction(url) as connection:
        holding(connection)
        issued = letters_by_hand.issue(connection, on) if by_hand else 0
        printed_on = nights.printed_on(connection, on)
    kept = 0
    for turn in letter_contents.TURNS:
        with database.transaction(url) as connection:
            parts = in_parts(letter_contents.waiting(connection, on, turn), _AT_A_TIME, workers)

        def work(number: int, turn: str = turn, parts: list[list[str]] = parts) -> None:
            with database.transaction(url) as connection:
                holding(connection)
                waiting = letter_contents.Waiting(connection, on, turn, parts[number][0], parts[number][-1])
                letter_contents.keep(connection, on, _concluded(waiting, printed_on))

        try:
            over_parts(work, len(parts), workers, before_fork=lambda: database.forget_inherited(url))
        except concluding.LetterIncomplete:
            with database.transaction(url) as connection:
                holding(connection)
                letter_contents.forget(connection, on)
            raise
        kept += sum(map(len, parts))
    return {"letters_by_hand": issued, "letters_prepared": kept}


def _concluded(waiting: letter_contents.Waiting, printed_on: date) -> dict[str, str]:
    frames = {
        "letters": to_frame(waiting.letters()),
        "parties": concluding.mended(to_frame(waiting.parties()), to_frame(waiting.entered())),
        "cases": to_frame(waiting.cases(printed_on)),
        "dues": to_frame(waiting.dues()),
        "by_hand": to_frame(waiting.by_hand()),
        "covered": to_frame(waiting.covered()),
    }
    return concluding.contents(frames, printed_on)


def published(connection: Connection, on: date, settings: Settings, at: datetime) -> int:
    """The night's folder is published: its letters are sent, or wait for the channel that is set. How many are new."""
    return deliveries.published(connection, on, settings.letters_channel, at)
