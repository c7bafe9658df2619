"""Money: what each case owes to whom, the closing ledger, and debts before the nine rules.

Belongs here: the heavy tail, the nine buckets alone and together, credits, nil balances, reconciliation
breaks.
Does not belong here: balances that break a rule (`faults`). Every amount is int64 pence.

The tail: log-normal amounts with median 828 GBP and sigma 1.5 give the two published facts together, 55% of
cases with arrears under 1,000 GBP and 38% of the money owed by 4% of paying parents.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from case_closure.domain.money import BUCKETS
from case_closure.sample.cases import Cases
from case_closure.sample.columns import Flags, Ints, Rows, days, numbered, pick, table_of

MEDIAN_PENCE = 82_800
SIGMA = 1.5
LARGEST_PENCE = 40_000_000

NIL_SHARE = 0.12
CREDIT_SHARE = 0.025
CREDIT_ONLY_SHARE = 0.006
ALL_NINE_SHARE = 0.003
SECOND_BUCKET_SHARE = 0.28
THIRD_BUCKET_SHARE = 0.06
# In the order of BUCKETS: receiving parent, GB Secretary of State, NI Secretary of State.
BUCKET_SHARES = np.array([0.50, 0.11, 0.10, 0.15, 0.04, 0.04, 0.03, 0.015, 0.015])

PENNY_DIFFERS_SHARE = 0.003
NOT_IN_LEDGER_SHARE = 0.001
NOT_RECEIVED_OF_NIL_SHARE = 0.008


def make_amounts(rng: np.random.Generator, count: int) -> Ints:
    """Pence in each of the nine buckets, one row a case: mostly one bucket, some nil, some with a credit."""
    total = np.exp(rng.normal(np.log(MEDIAN_PENCE), SIGMA, count)).astype(np.int64)
    total = np.clip(total, 100, LARGEST_PENCE)
    every = np.arange(count)
    bucket = rng.choice(len(BUCKETS), (3, count), p=BUCKET_SHARES)
    chance = rng.random((4, count))

    weight = np.zeros((count, len(BUCKETS)), dtype=np.int64)
    weight[every, bucket[0]] += 60
    weight[every, bucket[1]] += np.where(chance[0] < SECOND_BUCKET_SHARE, 25, 0)
    weight[every, bucket[2]] += np.where(chance[0] < THIRD_BUCKET_SHARE, 15, 0)
    weight[chance[1] < ALL_NINE_SHARE] += 7
    amounts: Ints = total[:, np.newaxis] * weight // weight.sum(axis=1, keepdims=True)
    amounts[every, bucket[0]] += total - amounts.sum(axis=1)

    in_credit = chance[2] < CREDIT_SHARE
    empty = amounts[every, bucket[2]] == 0
    credit = -(1 + total // 20)
    amounts[every, bucket[2]] = np.where(in_credit & empty, credit, amounts[every, bucket[2]])
    only_credit = (chance[3] >= NIL_SHARE) & (chance[3] < NIL_SHARE + CREDIT_ONLY_SHARE)
    amounts[only_credit] = 0
    amounts[only_credit, bucket[1][only_credit]] = credit[only_credit]
    amounts[chance[3] < NIL_SHARE] = 0
    return amounts


def make_balances(rng: np.random.Generator, cases: Cases, today: int) -> Rows:
    """One csa_balances row for every case; the caller sends the ones that are due."""
    count = len(cases.number)
    last = today - rng.integers(0, 900, count)
    first = np.maximum(last - rng.integers(100, 7000, count), _SCHEME_STARTED)
    columns = {
        "balance_id": numbered("B", cases.number, 9),
        "csa_system": cases.system_text,
        "csa_case_id": cases.case_id,
        "casegroup_id": cases.casegroup_id,
        "total_pence": cases.amounts.sum(axis=1),
        # Half of the nil balances come without a period, which is allowed only where nothing is owed.
        "arrears_from": days(first, _no_period(cases)),
        "arrears_to": days(last, _no_period(cases)),
    }
    for place, bucket in enumerate(BUCKETS):
        columns[bucket.column] = np.ascontiguousarray(cases.amounts[:, place])
    return Rows(table_of("csa_balances", count, columns), cases.group)


_SCHEME_STARTED = 8495  # 5 April 1993, in days since 1970


def _no_period(cases: Cases) -> Flags:
    flags: Flags = ~cases.positive & (cases.number % 2 == 0)
    return flags


def make_ledger(rng: np.random.Generator, cases: Cases) -> tuple[Rows, Ints]:
    """CSA's account of each bucket that is not 0, of every case; a few disagree with the balances on
    purpose (B54).

    Written-off amounts are over and above what left. Beside the rows: the place of each one's case.
    """
    at_case, at_bucket = np.nonzero(cases.amounts)
    amount = cases.amounts[at_case, at_bucket]
    chance = rng.random((2, len(amount)))
    amount = amount + np.where(chance[0] < PENNY_DIFFERS_SHARE, 1, 0)
    kept = chance[0] < 1 - NOT_IN_LEDGER_SHARE
    at_case, at_bucket, amount, chance = at_case[kept], at_bucket[kept], amount[kept], chance[:, kept]

    # The ledger of a few nil cases tells of money that never came.
    nil: Flags = ~np.any(cases.amounts, axis=1)
    extra = np.nonzero(nil & (rng.random(len(nil)) < NOT_RECEIVED_OF_NIL_SHARE))[0]
    at_case = np.concatenate([at_case, extra])
    at_bucket = np.concatenate([at_bucket, np.zeros(len(extra), dtype=at_bucket.dtype)])
    amount = np.concatenate([amount, np.full(len(extra), 4200)])
    written_off = np.where(np.concatenate([chance[1], np.ones(len(extra))]) < 0.04, amount // 3, 0)

    table = table_of(
        "csa_closing_ledger",
        len(amount),
        {
            "csa_system": cases.system_text.take(pa.array(at_case)),
            "csa_case_id": cases.case_id.take(pa.array(at_case)),
            "creditor": pick([bucket.creditor for bucket in BUCKETS], at_bucket),
            "arrears_status": pick([bucket.arrears_status for bucket in BUCKETS], at_bucket),
            "amount_pence": amount,
            "written_off_pence": np.maximum(written_off, 0),
        },
    )
    return Rows(table, cases.group[at_case]), at_case


def make_debts(rng: np.random.Generator, cases: Cases, balances: Rows, case_table: pa.Table) -> Rows:
    """Debts of the cases still open, before the nine rules of B71, with something for each rule to find."""
    chosen = cases.open
    count = int(chosen.sum())
    rule = rng.integers(0, 20, count)
    owed = cases.amounts[chosen].sum(axis=1)
    part = np.maximum(owed // 4, 0)
    columns = {
        name: balances.table.column(name).filter(pa.array(chosen))
        for name in balances.table.column_names
        if name not in ("balance_id", "casegroup_id")
    }
    decided = case_table.filter(pa.array(chosen))
    columns |= {name: decided.column(name) for name in ("rp_arrears_decision", "rp_keep_pence")}
    columns |= {
        "pp_no_estate": rule == 3,
        "ima_pence": np.where(rule == 4, part, 0),
        "no_further_action_told": rule == 5,
        "part_payment_accepted_pence": np.where(rule == 6, part, 0),
        "duplicate_liability_pence": np.where(rule == 7, part, 0),
    }
    return Rows(table_of("csa_debts", count, columns), cases.group[chosen])
