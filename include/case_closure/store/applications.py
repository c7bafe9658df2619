"""Gathering and storing what the stage ``take_applications`` works on, and LTRs that are issued by hand.

Belongs here: tonight's applications, all that stands of the casegroups they name, and writing what was decided.
Does not belong here: deciding. All applications of a night are stored in one transaction.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain import nino
from case_closure.domain.applications import Applied, CaseThere, Ltr
from case_closure.stages.take_applications import Gathered, Taken, Tonight
from case_closure.store import posting
from case_closure.store.casegroups import CASE_KEY, Gather
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.schema import tables
from case_closure.store.schema.tables import MATCHED_ON
from case_closure.tables import handed
from case_closure.tables.frames import Frames, to_frame


def read(
    connection: Connection, query: str, shape: pa.Schema, values: dict[str, Any] | None = None
) -> pd.DataFrame:
    """The rows of a query as a frame of that shape; ``values`` as ``copy_out`` has them."""
    return to_frame(copy_out(raw(connection), query, shape, values))


def tonight(connection: Connection, on: date) -> Tonight:
    """Tonight's applications and answers to LTRs that are new or say something new, the LTRs they could name, and who on CSA has
    one of the applications' NINOs.

    An application that moved a casegroup is not judged again, nor is one that tonight has decided already.
    """
    given = {f"{name}_given": f"h.{name} is not null" for name in handed.SAYS}
    applications = read(
        connection,
        f"""
        select {select_list(handed.APPLICATIONS_MADE, "h", **given)}
        from held.cms_applications h left join closure.applications a using (application_id)
        where h.changed_on = %(on)s and h.business_date = %(on)s
          and (a.application_id is null or (a.business_date < %(on)s and a.decision <> 'REACTIVE'))
        """,  # noqa: S608
        handed.APPLICATIONS_MADE,
        {"on": on},
    )
    responses = select_list(handed.LTR_RESPONSES, "h")
    return Tonight(
        applications=applications,
        ltr_responses=read(
            connection,
            f"select {responses} from held.ltr_responses h where h.changed_on = %(on)s order by h.ltr_id",  # noqa: S608
            handed.LTR_RESPONSES,
            {"on": on},
        ),
        ltrs=read(
            connection,
            f"""
            select {select_list(handed.LTRS_SENT, "l")} from closure.ltrs l
            where exists (select from held.ltr_responses h where h.ltr_id = l.ltr_id and h.changed_on = %(on)s)
            """,  # noqa: S608
            handed.LTRS_SENT,
            {"on": on},
        ),
        **_people(connection, applications),
    )


def _people(connection: Connection, applications: pd.DataFrame) -> Frames:
    """Who on CSA has one of the applications' NINOs: ``parents`` of any case, ``payers`` with their casegroups.

    NINOs are compared by their first eight characters.
    """
    ninos = pd.concat(
        [applications[name] for name in ("applicant_nino", "named_paying_parent_nino", "partner_nino")]
    )
    wanted = nino.matched_on(nino.cleaned(ninos)).dropna().unique().tolist()
    Gather(connection, []).fill("wanted_ninos", "matched_on", wanted)
    matched = MATCHED_ON.format("p.nino")
    connection.exec_driver_sql(
        f"""
        create temporary table named_people on commit drop as
        select p.party_id, w.matched_on from wanted_ninos w join held.csa_parties p on {matched} = w.matched_on
        """  # noqa: S608
    )
    payers = """
        select distinct n.matched_on, c.casegroup_id from named_people n join held.csa_cases c on c.paying_parent_id = n.party_id
    """
    receivers = """
        select n.matched_on from named_people n join held.csa_cases c on c.receiving_parent_id = n.party_id
    """
    return {
        "payers": read(connection, payers, handed.PAYERS),
        "parents": read(
            connection,
            f"select matched_on from ({payers}) p union {receivers}",  # noqa: S608
            handed.NINOS,
        ),
    }


def standing(connection: Connection, casegroup_ids: pd.Series, references: pd.Series) -> Gathered:
    """What stands of those casegroups, and the open exceptions about applications and LTRs with those references."""
    gather = Gather(connection, casegroup_ids.dropna().unique().tolist())
    key = CASE_KEY.format("t")
    tables = {
        "cases": gather.of_judged("held.csa_cases", handed.CASES_THERE, case_key=key),
        "end_liability": gather.of_judged("closure.end_liability", handed.STAMPS_THERE, case_key=key),
        "earlier": gather.of_judged("closure.applications", handed.APPLICATIONS_EARLIER),
        "routes": gather.routes(),
    }
    names = select_list(handed.LOOK_UPS, "w")
    return Gathered(
        **{name: to_frame(table) for name, table in tables.items()},
        open_exceptions=open_row_exceptions(connection, "take_applications", references),
        look_ups=read(
            connection,
            f"""
            select {names}
            from wanted_references join closure.work_items w using (subject_reference) where w.type like 'LOOKUP%'
            """,  # noqa: S608
            handed.LOOK_UPS,
        ),
    )


def open_row_exceptions(connection: Connection, stage: str, references: pd.Series) -> pd.DataFrame:
    """The open exceptions a stage has raised about rows of those references."""
    Gather(connection, []).fill(
        "wanted_references", "subject_reference", references.dropna().unique().tolist()
    )
    return read(
        connection,
        f"""
        select {select_list(handed.OPEN_EXCEPTIONS, "e")}
        from wanted_references join closure.exceptions e using (subject_reference)
        where e.status <> 'RESOLVED' and e.stage = %(stage)s
        """,  # noqa: S608
        handed.OPEN_EXCEPTIONS,
        {"stage": stage},
    )


def store(connection: Connection, on: date, decided: Taken, *, late: bool) -> None:
    """Store tonight's decisions, the casegroups they moved, LTRs, work items and exceptions, all or nothing.

    What was issued by hand waits for a night in its turn: a late one carries what it brings alone (R39).
    """
    again = decided.applications["application_id"].tolist()
    if again:
        # Decided on an earlier night without effect, and sent again with other content.
        connection.execute(
            text("delete from closure.applications where application_id = any(:ids)"), {"ids": again}
        )
    posting.insert(connection, tables.applications, decided.applications.assign(business_date=on))
    moved = decided.end_liability
    if len(moved):
        _stamp(connection, on, moved)
    posting.insert(connection, tables.ltrs, decided.ltrs.assign(business_date=on))
    if not late:
        # Issued by hand since the last night: tonight's file carries them.
        connection.execute(
            text("update closure.ltrs set business_date = :on where business_date is null"), {"on": on}
        )
    posting.store_exceptions(connection, on, decided)


def _stamp(connection: Connection, on: date, moved: pd.DataFrame) -> None:
    posting.stage_rows(connection, "moved", tables.end_liability, moved)
    names = ", ".join(handed.END_LIABILITY.names)
    connection.exec_driver_sql(
        f"""
        insert into closure.end_liability ({names}) select {names} from moved
        on conflict (csa_system, csa_case_id) do update set journey = excluded.journey, led = excluded.led,
            became_reactive_on = excluded.became_reactive_on, casegroup_id = excluded.casegroup_id
        """  # noqa: S608
    )
    # A case that was selected tonight is told once, as it stands at the end of the night.
    connection.execute(
        text(
            """
            insert into closure.end_liability_notices
                (business_date, csa_system, csa_case_id, casegroup_id, tranche_id, journey, led, cause)
            select :on, csa_system, csa_case_id, casegroup_id, tranche_id, journey, led, 'REACTIVE' from moved
            on conflict (business_date, csa_system, csa_case_id) do update
            set journey = excluded.journey, led = excluded.led, cause = excluded.cause
            """
        ),
        {"on": on},
    )


def find(connection: Connection, application_id: str) -> Applied | None:
    """That application, if any has been decided."""
    row = connection.execute(
        text(
            "select application_id, casegroup_id, t_date from closure.applications where application_id = :id"
        ),
        {"id": application_id},
    ).first()
    return Applied(*row) if row else None


def cases_of(connection: Connection, casegroup_id: str) -> list[CaseThere]:
    """The cases of a casegroup, on whatever system, in order of their numbers."""
    rows = connection.execute(
        text(
            """
            select c.csa_system, c.csa_case_id, e.led from held.csa_cases c
            left join closure.end_liability e using (csa_system, csa_case_id)
            where c.casegroup_id = :group order by c.csa_case_id
            """
        ),
        {"group": casegroup_id},
    )
    return [CaseThere(*row) for row in rows]


def store_ltr(connection: Connection, ltr: Ltr, *, by: str, at: datetime) -> bool:
    """Store an LTR for the next night to carry; False, with nothing stored, when there is one of that number."""
    return bool(
        connection.execute(
            text(
                """
                insert into closure.ltrs (ltr_id, ltr_type, csa_system, csa_case_ids, casegroup_id, application_id, t_date,
                                          issued_by, issued_at)
                values (:ltr_id, :ltr_type, :csa_system, :csa_case_ids, :casegroup_id, :application_id, :t_date, :by, :at)
                on conflict do nothing
                """
            ),
            asdict(ltr) | {"by": by, "at": at},
        ).rowcount
    )


def issued(connection: Connection, ltr_id: str) -> tuple[str, date | None]:
    """Who issued that LTR, and the night that carried it; None while none has."""
    row = connection.execute(
        text("select issued_by, business_date from closure.ltrs where ltr_id = :id"), {"id": ltr_id}
    ).one()
    return row.issued_by, row.business_date
