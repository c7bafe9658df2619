"""A night of debts through the nine rules, against reading and holding them.

Belongs here: cases and parents made on the server, a landed file of debts, and the two things timed. Does not belong here: the
night, or whatever else it does.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import text

from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.landing.writing import write_night
from case_closure.night import run as night
from case_closure.settings import Settings
from case_closure.store import database
from case_closure.store.copy import copy_in
from case_closure.store.database import raw
from case_closure.tables.landed import FILES

ON, BEFORE = date(2017, 8, 10), date(2017, 8, 9)
STAGES = ("open_night", "verify_landing", "receive_extract", "judge_debts")
FILE = "csa_debts.parquet"

# Each case has two parents of its own, both known to CIS; of each hundred parents one has died by CSA, one by CIS.
_PEOPLE = """
    insert into held.csa_cases (business_date, changed_on, csa_system, csa_case_id, casegroup_id, claimed_casegroup_id,
                                paying_parent_id, receiving_parent_id, case_status, nationally_sensitive)
    select :before, :before, 'CS2', 'C' || n, 'G' || n, 'G' || n, 'P' || n, 'R' || n, 'OPEN', false
    from generate_series(1, :debts) n;
    insert into held.csa_parties (business_date, changed_on, party_id, surname, nino, date_of_death)
    select :before, :before, s.side || n, 'Walker', s.letters || lpad(n::text, 6, '0') || 'A',
           case when n % 100 = 7 then date '2005-05-05' end
    from generate_series(1, :debts) n cross join (values ('P', 'AB'), ('R', 'AE')) s (side, letters);
    insert into held.cis_persons (business_date, changed_on, nino, surname, date_of_death)
    select :before, :before, nino, surname, case when substr(nino, 7, 2) = '09' then date '2015-05-05' end from held.csa_parties;
"""


def fill(url: str, debts: int) -> None:
    """So many cases and their parents, in an empty store."""
    with database.transaction(url) as connection:
        for statement in _PEOPLE.split(";")[:-1]:
            connection.execute(
                text(statement), {"before": BEFORE} | ({"debts": debts} if ":debts" in statement else {})
            )
    with database.engine(url).connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("vacuum analyze held.csa_cases, held.csa_parties, held.cis_persons")


def land(landing: Path, debts: int) -> Path:
    """A night with a debt for each case and nothing else: one or two buckets each, and a rule for a good half of them."""
    numbers = np.arange(1, debts + 1)
    amounts = {column: np.zeros(debts, dtype=np.int64) for column in BUCKET_COLUMNS}
    amounts["rp_active_pence"] = 100 + numbers * 7919 % 1_000_000
    amounts["gb_sos_deferred_pence"] = np.where(numbers % 3 == 0, numbers * 104_729 % 500_000, 0)
    amounts["ni_sos_active_pence"] = np.where(numbers % 40 == 0, -1000, 0)
    kind, part = numbers % 20, amounts["rp_active_pence"] // 4
    text_of = pa.array(numbers).cast(pa.string())
    decisions = np.array(["COLLECT", "WRITE_OFF", "PART_WRITE_OFF"])[np.minimum(numbers % 8, 3) % 3]
    columns = {
        "csa_system": pa.repeat(pa.scalar("CS2"), debts),
        "csa_case_id": pa.compute.binary_join_element_wise("C", text_of, ""),
        **amounts,
        "total_pence": sum(amounts.values()),
        "arrears_from": pa.repeat(pa.scalar(date(2010, 1, 1)), debts),
        "arrears_to": pa.repeat(pa.scalar(date(2017, 7, 31)), debts),
        "rp_arrears_decision": decisions, "rp_keep_pence": part, "pp_no_estate": kind == 3,
        "ima_pence": np.where(kind == 4, part, 0), "no_further_action_told": kind == 5,
        "part_payment_accepted_pence": np.where(kind == 6, part, 0), "duplicate_liability_pence": np.where(kind == 7, part, 0),
    }  # fmt: skip
    folder = landing / ON.isoformat()
    write_night(folder, ON, "bench", {"csa_debts": pa.table(columns)})
    return folder / FILE


def judge(url: str, landing: Path, home: Path) -> tuple[int, dict[str, float]]:
    """The stages of a night that has nothing but debts, up to their judgement: how many it judged, and the seconds of each."""
    settings = Settings(
        home=home, database_url=url, landing=str(landing), outbound=str(home / "outbound"), workers=1
    )
    context = night.NightContext(ON, "bench", landing, home / "outbound", settings, lambda: datetime.now(UTC))
    seconds: dict[str, float] = {}
    judged = 0
    for stage in STAGES:
        began = time.perf_counter()
        told = night.run_stage(stage, context)
        seconds[stage] = time.perf_counter() - began
        judged = int(told.get("debts_judged", 0))
    return judged, seconds


def read_and_hold(url: str, file: Path) -> float:
    """The very file, read and copied into the table of an empty store; the seconds it took, commit included."""
    columns = {"business_date": ON, "changed_on": ON}
    began = time.perf_counter()
    rows = pq.read_table(file, schema=FILES["csa_debts"].schema)
    for name, value in columns.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value), rows.num_rows))
    with database.transaction(url) as connection:
        copy_in(raw(connection), "held.csa_debts", rows)
    return time.perf_counter() - began
