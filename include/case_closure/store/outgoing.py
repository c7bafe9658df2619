"""What a night says to others, as tables ready to be written out.

Belongs here: one query for each file to a CSA system, the warehouse, CIS or a legacy team; all of one business date, from
rows that never change, so that a rerun writes the same. Nationally sensitive casegroups are in none of them (R26).
Does not belong here: layout, names of files (``outbound``), letters, reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from sqlalchemy import Connection, text

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.store import sensitive
from case_closure.store.casegroups import DAY, TEXT
from case_closure.store.copy import copy_out, select_list
from case_closure.store.database import raw
from case_closure.tables.landed import FILES

# What a case that moved brings along is told to nobody: its date is what it was (B5, [45]).
_NOTICES = f"""
    select n.csa_system, n.csa_case_id, n.casegroup_id, n.tranche_id, n.journey, n.led, n.cause
    from closure.end_liability_notices n
    where n.business_date = %(on)s and n.cause <> 'MOVED' and not {sensitive.of_row("n")} order by n.csa_system, n.csa_case_id
"""  # noqa: S608
_LTRS = f"""
    select l.ltr_id, l.ltr_type, l.csa_system, l.casegroup_id, l.csa_case_ids, l.application_id, l.t_date, l.issued_by
    from closure.ltrs l
    where l.business_date = %(on)s and not {sensitive.of_row("l", case=False)} order by l.ltr_id
"""  # noqa: S608
_FLAGS = f"""
    select f.nino, f.party_id, f.casegroup_id from closure.interest_flags f
    where f.business_date = %(on)s and not {sensitive.of_row("f", case=False)} order by f.nino, f.party_id
"""  # noqa: S608
# One row for a client, whoever represents them (R16, [47]).
_SUPPRESSED = f"""
    select l.reported_to as csa_system, l.letter_id, l.code, l.casegroup_id, l.csa_case_id, l.party_id, l.recipient_role, l.reason
    from closure.letters l
    where l.business_date = %(on)s and l.status = 'SUPPRESSED' and l.recipient_role <> 'REPRESENTATIVE'
      and not {sensitive.of_row("l")}
    order by l.letter_id
"""  # noqa: S608
# A letter that goes once a casegroup is reported to the system of the casegroup's first case, and stays so whatever case comes
# later: a rerun tells nobody else (R21).
_REPORTED = """
    update closure.letters l set reported_to = coalesce(
        l.csa_system,
        (select c.csa_system from held.csa_cases c where c.casegroup_id = l.casegroup_id
         order by c.csa_system collate "C", c.csa_case_id collate "C" limit 1),
        'CSCS')
    where l.business_date = :on and l.status = 'SUPPRESSED' and l.recipient_role <> 'REPRESENTATIVE' and l.reported_to is null
"""

# The debts judged that night, as the nine rules left them: a balance as CSA would send it [37]. By code point on any server.
_BALANCE = FILES["csa_balances"].schema
_FINAL_BALANCES = f"""
    select {select_list(
        _BALANCE, "j", **{column: f"j.final_{column}" for column in BUCKET_COLUMNS},
        balance_id="'FB-' || j.csa_system || '-' || j.csa_case_id || '-' || j.business_date",
        total_pence=" + ".join(f"j.final_{column}" for column in BUCKET_COLUMNS),
    )}
    from closure.debt_judgements j
    where j.business_date = %(on)s and not {sensitive.of_row("j")} order by j.csa_case_id collate "C", j.csa_system
"""  # fmt: skip  # noqa: S608


@dataclass(frozen=True)
class Outgoing:
    """The tables of one night: to CSA and the warehouse, to CIS, to the legacy teams."""

    end_liability: pa.Table
    ltrs: pa.Table
    interest_flags: pa.Table
    suppressed_letters: pa.Table
    final_balances: pa.Table


def note_reported(connection: Connection, on: date) -> None:
    """Each suppressed letter of that night has the system whose legacy team is told of it; one that has it keeps it."""
    connection.execute(text(_REPORTED), {"on": on})


def read(connection: Connection, on: date) -> Outgoing:
    """What the night of that date says to others; its suppressed letters are noted as reported before."""

    def table(query: str, **columns: pa.DataType) -> pa.Table:
        return copy_out(raw(connection), query, pa.schema(list(columns.items())), {"on": on})

    return Outgoing(
        end_liability=table(
            _NOTICES, csa_system=TEXT, csa_case_id=TEXT, casegroup_id=TEXT, tranche_id=TEXT, journey=TEXT, led=DAY, cause=TEXT
        ),
        ltrs=table(
            _LTRS, ltr_id=TEXT, ltr_type=TEXT, csa_system=TEXT, casegroup_id=TEXT, csa_case_ids=TEXT, application_id=TEXT,
            t_date=DAY, issued_by=TEXT,
        ),
        interest_flags=table(_FLAGS, nino=TEXT, party_id=TEXT, casegroup_id=TEXT),
        suppressed_letters=table(
            _SUPPRESSED, csa_system=TEXT, letter_id=TEXT, code=TEXT, casegroup_id=TEXT, csa_case_id=TEXT, party_id=TEXT,
            recipient_role=TEXT, reason=TEXT,
        ),
        final_balances=copy_out(raw(connection), _FINAL_BALANCES, _BALANCE, {"on": on}),
    )  # fmt: skip
