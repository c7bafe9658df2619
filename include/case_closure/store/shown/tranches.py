"""What the pages of tranches read: how far the programme is as it was counted last, and every version of the criteria.

Belongs here: queries of ``reporting``, and of ``sensitive`` for those few. Does not belong here: the
selection, what criteria may be (``domain.tranches``).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from case_closure.store.shown.reading import all_of


def kept(connection: Connection) -> dict[str, dict[str, Any]]:
    """What is kept of the programme, its months and what each left held, by kind; content None: to be counted anew (R42)."""
    return {row["kind"]: row for row in all_of(connection, "select * from reporting.kept_programme")}


def programme_apart(connection: Connection) -> list[dict[str, Any]]:
    """How far nationally sensitive casegroups are as things stand now; rows as of ``programme``."""
    return all_of(connection, "select * from sensitive.programme")


def criteria_in_force(connection: Connection) -> list[dict[str, Any]]:
    """The version of each tranche that counts now, in order of their names; at most 500."""
    query = (
        'select * from reporting.tranche_criteria where in_force order by tranche_id collate "C" limit 500'
    )
    return all_of(connection, query)


def proposals(connection: Connection) -> list[dict[str, Any]]:
    """What waits for an answer, the oldest first; at most 100."""
    query = "select * from reporting.tranche_criteria where state = 'PROPOSED' order by recorded_at limit 100"
    return all_of(connection, query)


def versions(connection: Connection, tranche_id: str) -> list[dict[str, Any]]:
    """Every version of a tranche's criteria, the latest first; at most 200."""
    query = (
        "select * from reporting.tranche_criteria where tranche_id = :tranche order by version desc limit 200"
    )
    return all_of(connection, query, tranche=tranche_id)
