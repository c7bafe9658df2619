"""Gathering and storing what the stage ``follow_closure`` works on.

Belongs here: which selected casegroups there is something to look at for, what stands of them, and writing their moves
and letters. Does not belong here: deciding a move or a letter. A part of casegroups is stored in one transaction.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from case_closure.domain.letters import CLOSURE_CODES
from case_closure.stages.follow_closure import Answers, Followed, Gathered
from case_closure.store import posting
from case_closure.store.applications import open_row_exceptions, read
from case_closure.store.casegroups import Gather
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.schema import tables
from case_closure.tables import handed
from case_closure.tables.frames import to_frame

# Stamped or turned reactive tonight; touched by tonight's extract, or left by a case of it. A late night looks at no more
# (R39); a row of its that a later night's row stands over still says that its case was closed (B53).
_TOUCHED = """
    select e.casegroup_id from closure.end_liability e where e.selected_on = :on or e.became_reactive_on = :on
    union
    select e.casegroup_id from closure.end_liability e join held.csa_cases c using (csa_system, csa_case_id)
    where c.changed_on = :on or c.last_closed_on = :on
    union
    select c.previous_casegroup_id from held.csa_cases c join closure.journeys j on j.casegroup_id = c.previous_casegroup_id
    where c.changed_on = :on
    union
    select e.casegroup_id from closure.end_liability e
    join (select csa_system, csa_case_id from held.closure_failures where business_date = :on
          union all select csa_system, csa_case_id from held.inhibits where business_date = :on
          union all select csa_system, csa_case_id from held.resolutions where business_date = :on) t
        using (csa_system, csa_case_id)
"""
# And a reminder that may be due; a liability that has ended, or an inhibit that has begun, since the last move; a liability that
# ended by the last move and that a late night told of, before it had ended on its own date: its letters have waited;
# interrupted, and perhaps no longer. A month has at most 31 days.
_LOOKED_AT = f"""
    {_TOUCHED}
    union
    select j.casegroup_id from closure.journeys j where j.state in ('FAILED', 'INHIBITED')
    union
    select j.casegroup_id from closure.journeys j join closure.end_liability e using (casegroup_id)
    join held.csa_cases c using (csa_system, csa_case_id)
    where e.journey = 'PROACTIVE' and e.led >= :on and e.led - coalesce(e.reminder_days, 31) <= :on
      and c.case_type = 'ONGOING'
      and not exists (select from closure.letters l where l.casegroup_id = e.casegroup_id and l.code = 'CMSL6311'
                      and l.csa_system = e.csa_system and l.csa_case_id = e.csa_case_id)
    union
    select j.casegroup_id from closure.journeys j join closure.end_liability e using (casegroup_id)
    join held.csa_cases c using (csa_system, csa_case_id)
    where c.case_status = 'CLOSED' and c.liability_end_date between j.business_date and :on
      and (j.state <> 'CLOSED' or c.liability_end_date > j.business_date)
    union
    select j.casegroup_id from closure.journeys j join closure.end_liability e using (casegroup_id)
    join held.csa_cases c using (csa_system, csa_case_id)
    where c.case_type = 'ONGOING' and c.case_status = 'CLOSED' and c.closed_reason = 'CASE_CLOSURE'
      and c.changed_on < j.business_date and c.liability_end_date between c.changed_on and j.business_date
      and not exists (select from closure.letters l where l.casegroup_id = e.casegroup_id and l.code = 'CMSL6312'
                      and l.csa_system = e.csa_system and l.csa_case_id = e.csa_case_id)
    union
    select j.casegroup_id from closure.journeys j join closure.end_liability e using (casegroup_id)
    join held.inhibits h using (csa_system, csa_case_id)
    where j.state <> 'CLOSED' and h.set_on between j.business_date and :on
      and (h.removed_on is null or h.removed_on > :on)
"""  # noqa: S608


def to_look_at(connection: Connection, on: date, *, late: bool) -> list[str]:
    """The selected casegroups whose journey may move tonight, or for which a letter may be due; in order."""
    return sorted(row[0] for row in connection.execute(text(_TOUCHED if late else _LOOKED_AT), {"on": on}))


def gather(connection: Connection, casegroup_ids: list[str]) -> Gathered:
    """All that stands of those casegroups: cases, stamps, what CSA reported, journeys, letters, parents."""
    by = Gather(connection, casegroup_ids)
    cases = by.cases()
    ids = pc.unique(
        pa.chunked_array(
            [*cases["paying_parent_id"].chunks, *cases["receiving_parent_id"].chunks], pa.string()
        )
    )
    people = ids.drop_null().to_pylist()
    letters = select_list(handed.LETTERS_SENT, "l")
    return Gathered.read(
        {
            "cases": cases,
            "sensitive": by.sensitive(),
            "inhibits": by.inhibits(),
            "closure_failures": by.closure_failures(),
            "resolutions": by.resolutions(),
            "open_exceptions": by.open_exceptions(),
            "end_liability": by.of_judged("closure.end_liability", handed.STAMPS),
            "journeys": by.of_judged("closure.journeys", handed.JOURNEYS_STANDING),
            "letters": copy_out(
                raw(connection),
                f"select {letters} from judged join closure.letters l using (casegroup_id) where l.code = any(%(codes)s)",  # noqa: S608
                handed.LETTERS_SENT,
                {"codes": list(CLOSURE_CODES)},
            ),
            "parties": by.parties(people),
            "entered_for_people": by.entered_for(people),
        }
    )


def cis(connection: Connection, matched_on: pd.Series) -> pd.DataFrame:
    """What CIS knows under those NINOs, by their first eight characters."""
    return to_frame(Gather(connection, []).cis(matched_on.dropna().unique().tolist()))


def answers(connection: Connection, on: date) -> Answers:
    """Tonight's word of the legacy teams that a suppressed letter went out, the letters it could be about, and what is
    open about such answers."""
    rows = read(
        connection,
        "select letter_id, issued_on from held.clerical_letters where changed_on = %(on)s order by letter_id",
        handed.CLERICAL_LETTERS,
        {"on": on},
    )
    suppressed = read(
        connection,
        """
        select l.letter_id, l.casegroup_id from closure.letters l join held.clerical_letters h using (letter_id)
        where h.changed_on = %(on)s and l.status = 'SUPPRESSED'
        """,
        handed.LETTERS_SUPPRESSED,
        {"on": on},
    )
    return Answers(
        clerical_letters=rows,
        suppressed=suppressed,
        row_exceptions=open_row_exceptions(connection, "follow_closure", rows["letter_id"]),
        routes=to_frame(Gather(connection, suppressed["casegroup_id"].tolist()).routes()),
    )


def store(connection: Connection, on: date, decided: Followed) -> None:
    """Store the moves and letters of a part of the casegroups. Storing the same again changes nothing."""
    moved = decided.journeys
    if len(moved):
        posting.stage_rows(connection, "moved", tables.journeys, moved)
        connection.exec_driver_sql(
            """
            insert into closure.journeys (casegroup_id, state, business_date, move_number)
            select casegroup_id, state, business_date, move_number from moved
            on conflict (casegroup_id) do update set state = excluded.state, business_date = excluded.business_date,
                move_number = excluded.move_number
            """
        )
        posting.insert(connection, tables.journey_moves, decided.moves)
    posting.insert(connection, tables.letters, decided.letters.assign(business_date=on))


def note_clerical_letters(connection: Connection, on: date) -> int:
    """Note when a suppressed letter went out by hand (B15); returns how many."""
    return connection.execute(
        text(
            """
            update closure.letters l set clerical_issued_on = h.issued_on from held.clerical_letters h
            where h.letter_id = l.letter_id and l.status = 'SUPPRESSED' and h.changed_on = :on
              and l.clerical_issued_on is distinct from h.issued_on
            """
        ),
        {"on": on},
    ).rowcount
