"""The exceptions that refuse a row alone: what stands of them before a stage judges again.

Belongs here: the queries that the stages of such rows share. Does not belong here: the rows (a module for each), exceptions
that hold a casegroup (``casegroups``).
"""

from __future__ import annotations

from datetime import date

import pandas as pd
from sqlalchemy import Connection, text

from case_closure.stages.common.exceptions import Before
from case_closure.store.casegroups import Gather
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.tables import handed


def has_open(connection: Connection, on: date, stage: str) -> bool:
    """Whether a row that came that night is still refused by the rules of ``stage`` (as ``domain.rules`` calls it)."""
    query = """
        select exists (select from closure.exceptions where business_date = :on and status <> 'RESOLVED' and stage = :stage)
    """
    return bool(connection.execute(text(query), {"on": on, "stage": stage}).scalar_one())


def before(connection: Connection, stage: str, casegroup_ids: pd.Series) -> Before:
    """The exceptions of the rules of ``stage`` that are open, and the routes of these casegroups."""
    names = select_list(handed.EXCEPTIONS_SEEN, "e")
    open_exceptions = copy_out(
        raw(connection),
        f"select {names} from closure.exceptions e where e.status <> 'RESOLVED' and e.stage = %(stage)s",  # noqa: S608
        handed.EXCEPTIONS_SEEN,
        {"stage": stage},
    )
    routes = Gather(connection, casegroup_ids.dropna().unique().tolist()).routes()
    return Before.read({"open_exceptions": open_exceptions, "routes": routes})
