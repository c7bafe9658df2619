"""Gathering and storing what the stage ``judge_debts`` works on.

Belongs here: which debts a night judges, in slices of the book, with what stands of their cases and parents; and writing what
was judged, once. Does not belong here: the rules, which debt is refused, what goes out of it (``outgoing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.domain.rules import rules_of
from case_closure.stages.common.exceptions import Before
from case_closure.stages.judge_debts import Gathered, Judged
from case_closure.store import posting
from case_closure.store.casegroups import Gather
from case_closure.store.copy import copy_in, copy_out, select_list
from case_closure.store.database import raw
from case_closure.store.schema import tables
from case_closure.store.schema.tables import MATCHED_ON
from case_closure.tables import handed
from case_closure.tables.frames import to_frame

RULE_CODES = rules_of("csa_debts")

_NEW = "select csa_system, csa_case_id from held.csa_debts where changed_on = %(on)s"
_REFUSED = """
    select csa_system, csa_case_id from closure.exceptions
    where status <> 'RESOLVED' and rule_code = any(%(codes)s)
"""
_CONTENT = (*BUCKET_COLUMNS, *handed.DEBT_FACTS)
_UNCHANGED = f"""
    j.csa_case_id is not null
    and ({", ".join("h." + name for name in _CONTENT)}) is not distinct from ({", ".join("j." + name for name in _CONTENT)})
"""
_DIED = "s.date_of_death is not null"
# Those of a slice; and these debts ``h``, as held, to select from.
_PLACES = (
    "(select csa_system, csa_case_id from debts_to_judge where place > %(after)s and place <= %(last)s) d"
)
_DEBTS = f"{_PLACES} join held.csa_debts h using (csa_system, csa_case_id)"
_LAST_JUDGED = """
    left join lateral (
        select l.* from closure.debt_judgements l where l.csa_system = h.csa_system and l.csa_case_id = h.csa_case_id
        order by l.business_date desc limit 1) j on true
"""


def plan(connection: Connection, on: date, *, rerun: bool, late: bool) -> int:
    """Note which debts a night looks at, for :func:`gather`; how many. They are gone with the transaction.

    Those new or other than what was held, and those that are refused still [13]. Late, its own alone (R39). A rerun of a night
    that succeeded: what it refused and is refused still, and nothing else (R21).
    """
    own = f"{_REFUSED} and business_date = %(on)s"
    query = own if rerun else _NEW if late else f"{_NEW} union {_REFUSED}"
    driver = raw(connection)
    driver.execute("drop table if exists pg_temp.debts_to_judge")
    driver.execute(
        "create temporary table debts_to_judge (place bigint, csa_system text, csa_case_id text) on commit drop"
    )
    count = driver.execute(
        "insert into debts_to_judge "  # noqa: S608
        f"select row_number() over (order by csa_system, csa_case_id), csa_system, csa_case_id from ({query}) d",
        {"on": on, "codes": RULE_CODES},
    ).rowcount
    if count:
        # The key after its rows: it is sorted once.
        driver.execute("alter table debts_to_judge add primary key (place)")
        driver.execute("analyze debts_to_judge")
    return count


@dataclass(frozen=True)
class Slice:
    """Some of the debts that a night looks at: those after the first ``after`` of them, at most ``most``."""

    connection: Connection
    after: int
    most: int

    def _read(self, query: str, shape: pa.Schema) -> pd.DataFrame:
        values: dict[str, Any] = {"after": self.after, "last": self.after + self.most, "codes": RULE_CODES}
        return to_frame(copy_out(raw(self.connection), query, shape, values))

    def gather(self) -> Gathered:
        """The debts, their cases' parents, and what says that those have died."""
        names = select_list(
            handed.DEBTS, "h", casegroup_id="c.casegroup_id", paying_parent_id="c.paying_parent_id",
            receiving_parent_id="c.receiving_parent_id", case_held="c.csa_case_id is not null", unchanged=_UNCHANGED,
        )  # fmt: skip
        debts = self._read(
            f"""
            select {names} from {_DEBTS} left join held.csa_cases c using (csa_system, csa_case_id) {_LAST_JUDGED}
            order by d.csa_system, d.csa_case_id
            """,  # noqa: S608
            handed.DEBTS,
        )
        resolutions = self._read(
            f"""
            select {select_list(handed.RESOLUTIONS, "r")} from {_DEBTS}
            join held.resolutions r on r.csa_system = h.csa_system and r.csa_case_id = h.csa_case_id
            where r.entity = 'CASE' and r.field in ('paying_parent_id', 'receiving_parent_id')
            """,  # noqa: S608
            handed.RESOLUTIONS,
        )
        people = self._people(resolutions)
        return Gathered(debts=debts, resolutions=resolutions, **people)

    def _people(self, resolutions: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Of the parents, who has died by CSA or by CIS, and for whom anything was entered that may say so."""
        gather = Gather(self.connection, [])
        gather.fill("entered_parents", "party_id", resolutions["new_value"].dropna().unique().tolist())
        matched_on = MATCHED_ON.format("p.nino")
        people = self._read(
            f"""
            with parents as materialized (
                select v.party_id from {_PLACES} join held.csa_cases c using (csa_system, csa_case_id)
                cross join lateral (values (c.paying_parent_id), (c.receiving_parent_id)) v (party_id)
                union all select party_id from entered_parents),
            wanted as (
                select party_id from parents join held.csa_parties p using (party_id) where p.date_of_death is not null
                union
                select party_id from parents join held.csa_parties p using (party_id)
                join held.cis_persons s on {MATCHED_ON.format("s.nino")} = {matched_on} where {_DIED}
                union
                select v.party_id from held.resolutions r join held.csa_cases c using (csa_system, csa_case_id)
                cross join lateral (values (c.paying_parent_id), (c.receiving_parent_id)) v (party_id)
                join parents p on p.party_id = v.party_id
                where r.entity <> 'CASE' and r.field in ('date_of_death', 'nino')
                union
                select party_id from entered_parents)
            select {select_list(handed.PEOPLE_WHO_DIED, "p")} from wanted join held.csa_parties p using (party_id)
            """,  # noqa: S608
            handed.PEOPLE_WHO_DIED,
        )
        ids = people["party_id"].tolist()
        entered = (
            to_frame(gather.entered_for(ids)) if ids else to_frame(handed.ENTERED_FOR_PEOPLE.empty_table())
        )
        ninos = pd.concat([people["nino"], entered.loc[entered["field"] == "nino", "new_value"]])
        gather.fill("wanted_ninos", "nino", ninos.dropna().unique().tolist())
        deaths = self._read(
            f"""
            select {select_list(handed.CIS_DEATHS, matched_on="w.matched_on", died_on="min(s.date_of_death)")}
            from (select distinct {MATCHED_ON.format("nino")} as matched_on from wanted_ninos) w
            join held.cis_persons s on {MATCHED_ON.format("s.nino")} = w.matched_on where {_DIED} group by w.matched_on
            """,  # noqa: S608
            handed.CIS_DEATHS,
        )
        return {"people": people, "entered_for_people": entered, "cis_deaths": deaths}

    def before(self, casegroup_ids: pd.Series) -> Before:
        """The open exceptions of these debts, also of one that is not held any more; the routes of these casegroups."""
        return Before(
            open_exceptions=self._read(
                f"""
                select {select_list(handed.EXCEPTIONS_SEEN, "e")} from debts_to_judge d
                join closure.exceptions e using (csa_system, csa_case_id)
                where d.place > %(after)s and d.place <= %(last)s and e.status <> 'RESOLVED' and e.rule_code = any(%(codes)s)
                """,  # noqa: S608
                handed.EXCEPTIONS_SEEN,
            ),
            routes=to_frame(Gather(self.connection, casegroup_ids.dropna().unique().tolist()).routes()),
        )


def store(connection: Connection, on: date, judged: Judged) -> None:
    """Store what was judged of some debts: what came is taken from the row that is held. A night adds its own, once."""
    posting.store_exceptions(connection, on, judged)
    if judged.debt_judgements.empty:
        return
    posting.stage_rows(connection, "judged_debts", tables.debt_judgements, judged.debt_judgements)
    concluded = [name for name in handed.DEBT_JUDGEMENTS.names if name not in ("csa_system", "csa_case_id")]
    connection.execute(
        text(
            f"""
            insert into closure.debt_judgements
                (csa_system, csa_case_id, business_date, {", ".join(concluded)}, {", ".join(_CONTENT)})
            select csa_system, csa_case_id, :on, {", ".join("j." + name for name in concluded)},
                   {", ".join("h." + name for name in _CONTENT)}
            from judged_debts j join held.csa_debts h using (csa_system, csa_case_id)
            """  # noqa: S608
        ),
        {"on": on},
    )
    connection.exec_driver_sql("drop table judged_debts")
    results = posting.as_rows(tables.debt_rule_results, judged.debt_rule_results.assign(business_date=on))
    copy_in(raw(connection), "closure.debt_rule_results", results)


def take_back(connection: Connection, on: date) -> None:
    """Take back what a night that has not succeeded has judged: it judges another extract instead."""
    for table in ("debt_rule_results", "debt_judgements"):
        connection.execute(text(f"delete from closure.{table} where business_date = :on"), {"on": on})  # noqa: S608
