"""What became of each letter that was written: CREATED, SENDING, SENT or FAILED.

Belongs here: the rows of ``closure.letter_deliveries`` and their moves, each guarded by the state it leaves. Does not
belong here: sending, or when to try again. A letter has one row for good, so it has one way out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from case_closure.store.letter_contents import ORDINARY

CREATED, SENDING, SENT, FAILED = "CREATED", "SENDING", "SENT", "FAILED"

# Written, ordinary, and with no row yet. A letter is written before its night publishes it.
_UNLISTED = f"""
    from closure.letters l join closure.letter_contents k using (letter_id)
    join closure.nights n on n.business_date = l.business_date
    where l.status = 'ISSUED' and {ORDINARY}
      and not exists (select from closure.letter_deliveries d where d.letter_id = l.letter_id)
"""


@dataclass(frozen=True)
class Delivery:
    """A letter on its way: how often sending was begun, and when last."""

    letter_id: str
    business_date: date
    attempts: int
    attempted_at: datetime | None


def published(connection: Connection, on: date, channel: str, at: datetime) -> int:
    """The night's letters lie in the published folder: for the print house that is sent, otherwise they wait. How many."""
    sent = channel == "print"
    return _listed(
        connection,
        "and l.business_date = :on",
        on=on, channel=channel, state=SENT if sent else CREATED, sent_at=at if sent else None,
        reference="outbound folder" if sent else None,
    )  # fmt: skip


def list_missed(connection: Connection, channel: str) -> int:
    """Letters of nights that succeeded but were never listed, as when a process ended in between: they wait. How many."""
    return _listed(
        connection, "and n.succeeded", channel=channel, state=CREATED, sent_at=None, reference=None
    )


def _listed(connection: Connection, where: str, **values: object) -> int:
    return connection.execute(
        text(
            "insert into closure.letter_deliveries (letter_id, business_date, channel, state, sent_at, provider_reference) "
            f"select l.letter_id, l.business_date, :channel, :state, :sent_at, :reference {_UNLISTED} {where} "
            "on conflict do nothing"
        ),
        values,
    ).rowcount


def claim(connection: Connection, channel: str, at: datetime, after: str) -> Delivery | None:
    """The next letter of the channel that waits, after that letter_id, now SENDING; None when there is none."""
    return _one(
        connection,
        f"""
        update closure.letter_deliveries set state = 'SENDING', attempts = attempts + 1, attempted_at = :at
        where letter_id = (
            select d.letter_id from closure.letter_deliveries d join closure.letters l using (letter_id)
            where d.state = 'CREATED' and d.channel = :channel and d.letter_id collate "C" > :after and {ORDINARY}
            order by d.letter_id collate "C" limit 1 for update of d skip locked)
        returning letter_id, business_date, attempts, attempted_at
        """,  # noqa: S608
        channel=channel, at=at, after=after,
    )  # fmt: skip


def stuck(connection: Connection, channel: str, before: datetime, after: str) -> Delivery | None:
    """The next letter after that letter_id that has been SENDING since ``before``; None when there is none."""
    return _one(
        connection,
        """
        select letter_id, business_date, attempts, attempted_at from closure.letter_deliveries
        where state = 'SENDING' and channel = :channel and attempted_at < :before and letter_id collate "C" > :after
        order by letter_id collate "C" limit 1
        """,
        channel=channel, before=before, after=after,
    )  # fmt: skip


def _one(connection: Connection, query: str, **values: object) -> Delivery | None:
    row = connection.execute(text(query), values).first()
    return Delivery(*row) if row else None


def sent(connection: Connection, delivery: Delivery, reference: str, at: datetime) -> None:
    """It is with the other side."""
    _move(connection, delivery, SENT, None, reference, at)


def failed(connection: Connection, delivery: Delivery, why: str) -> None:
    """It cannot be sent as it is; a person must act."""
    _move(connection, delivery, FAILED, why)


def waits(connection: Connection, delivery: Delivery, why: str | None) -> None:
    """It certainly was not taken: it waits to be sent again."""
    _move(connection, delivery, CREATED, why)


def unsure(connection: Connection, delivery: Delivery, why: str) -> None:
    """It may have been taken or not: it stays SENDING until somebody has asked."""
    _move(connection, delivery, SENDING, why)


def _move(
    connection: Connection,
    delivery: Delivery,
    state: str,
    why: str | None,
    reference: str | None = None,
    at: datetime | None = None,
) -> None:
    """From SENDING alone, and only for the attempt that was begun: what another process did since stands."""
    connection.execute(
        text(
            "update closure.letter_deliveries set state = :state, last_error = :why, "
            "provider_reference = coalesce(:reference, provider_reference), sent_at = :at "
            "where letter_id = :letter_id and state = 'SENDING' and attempts = :attempts"
        ),
        {"letter_id": delivery.letter_id, "attempts": delivery.attempts, "state": state, "why": why,
         "reference": reference, "at": at},
    )  # fmt: skip


def refused(connection: Connection, refusals: Iterable[tuple[str, str]]) -> int:
    """Letters that were taken and then refused, with the reason: sent no longer. How many were not known to be."""
    return sum(
        connection.execute(
            text(
                "update closure.letter_deliveries set state = 'FAILED', last_error = :why "
                "where letter_id = :letter_id and state = 'SENT' and channel = 'notify'"
            ),
            {"letter_id": letter_id, "why": why},
        ).rowcount
        for letter_id, why in refusals
    )


def try_again(connection: Connection, letter_id: str) -> bool:
    """A letter that failed waits again, its cause mended. False when it had not failed."""
    # One attempt stands, so that the other side is asked for it before it is sent again.
    moved = connection.execute(
        text(
            "update closure.letter_deliveries set state = 'CREATED', attempts = least(attempts, 1) "
            "where letter_id = :letter_id and state = 'FAILED'"
        ),
        {"letter_id": letter_id},
    )
    return bool(moved.rowcount)


def standing(connection: Connection) -> dict[str, int]:
    """How many letters are in each state."""
    rows = connection.execute(
        text("select state, count(*) from closure.letter_deliveries group by 1 order by 1")
    )
    return {state: int(count) for state, count in rows}
