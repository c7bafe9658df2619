"""Gathering the corrections a night judges, and the dues they are of.

Belongs here: the queries of the stage ``apply_corrections``. Does not belong here: judging, casegroups (``casegroups``).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from case_closure.stages.apply_corrections import Corrections
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.tables import handed


def corrections(connection: Connection, on: date, *, own: bool) -> Corrections:
    """The night's corrections and those behind an exception still open (``own``: the night's alone), and the dues of their
    cases."""
    connection.execute(
        text(
            f"""
            create temporary table judged_corrections on commit drop as
            select {select_list(handed.CORRECTIONS, "h")} from held.corrections h where h.business_date = :on
               or not :own and h.correction_id in (select subject_reference from closure.exceptions
                                                 where status <> 'RESOLVED' and stage = 'corrections')
            """  # noqa: S608
        ),
        {"on": on, "own": own},
    )
    driver = raw(connection)
    rows = copy_out(
        driver,
        f"select {select_list(handed.CORRECTIONS, 'j')} from judged_corrections j order by correction_id",  # noqa: S608
        handed.CORRECTIONS,
    )
    dues = copy_out(
        driver,
        f"""
        select {select_list(handed.DUES_TO_CORRECT, "d")} from closure.dues d
        where (d.csa_system, d.csa_case_id) in (select csa_system, csa_case_id from judged_corrections)
        """,  # noqa: S608
        handed.DUES_TO_CORRECT,
    )
    return Corrections.read({"corrections": rows, "dues": dues})
