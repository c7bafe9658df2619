"""A landed extract held against the gates that need nothing but its own files; nothing is stored.

Belongs here: what a check can say before a night. Does not belong here: printing it (``desk.check``), the gates of a night.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from case_closure.domain.rules import ROWS
from case_closure.domain.texts import shown
from case_closure.gates import engine, suites
from case_closure.landing.reading import BATCH_ROWS, Landing
from case_closure.night import row_gates
from case_closure.stages import judge_debts, receive_balances
from case_closure.tables import resolutions
from case_closure.tables.frames import to_frame

# Judged against what is held, so not by a check of the files alone.
_NEEDS_THE_STORE = (
    "balance_case_unknown", "balance_casegroup_mismatch", "balance_changed_after_completion", "debt_case_unknown",
)  # fmt: skip


def check_gates(landing: Landing, limit_pence: int) -> Iterator[tuple[str, str, int]]:
    """(file, rule, rows that break it) for the rules that need nothing but the files; nothing is stored.

    Rules that compare with what is held, or wait for a casegroup to be ready, are judged by the night alone.
    """
    for file in landing.get("csa_cases"):
        failed: dict[str, int] = dict.fromkeys(suites.csa_cases().rule_codes, 0)
        keys = row_gates.repeated_keys(file)
        for batch in file.batches(batch_rows=BATCH_ROWS, with_row_number=True):
            for rule, (_, count) in engine.run(
                suites.csa_cases(), row_gates.case_facts(batch, keys)
            ).tally.items():
                failed[rule] += count
        yield from ((file.path.name, rule, count) for rule, count in failed.items())
    for file in landing.get("csa_balances"):
        rows = to_frame(file.read()).rename(columns={"casegroup_id": "row_casegroup_id"})
        rows["business_date"] = pd.Series(pd.Timestamp(landing.business_date), index=rows.index).astype(
            "datetime64[s]"
        )
        suite = suites.csa_balances(limit_pence)
        suite = engine.Suite(
            suite.name, tuple(c for c in suite.checks if c.rule_code not in _NEEDS_THE_STORE)
        )
        tally = engine.run(suite, receive_balances.own_facts(rows)).tally
        yield from ((file.path.name, rule, count) for rule, (_, count) in tally.items())
    for file in landing.get("csa_debts"):
        rows = to_frame(file.read())
        tally = engine.run(suites.csa_debts(), judge_debts.own_facts(rows)).tally
        yield from ((file.path.name, rule, tally[rule][1]) for rule in tally if rule not in _NEEDS_THE_STORE)
    for file in landing.get("clerical_balances"):
        rows = to_frame(file.read()).assign(placed=True)
        tally = engine.run(suites.clerical_balances(), rows).tally
        yield (file.path.name, "balance_key_missing", tally["balance_key_missing"][1])
    for name in ROWS:
        suite = suites.arriving_rows(name)
        for file in landing.get(name):
            failed = dict.fromkeys(suite.rule_codes, 0)
            for batch in row_gates.whole_or_in_batches(file):
                findings, _ = row_gates.judge(suite, file.contract, batch, file.contract.schema.empty_table())
                for rule, (_, count) in findings.tally.items():
                    failed[rule] += count
            yield from ((file.path.name, rule, count) for rule, count in failed.items())
    for file in landing.get("inhibits"):
        tally = engine.run(suites.inhibits(), to_frame(file.read())).tally
        yield from ((file.path.name, rule, count) for rule, (_, count) in tally.items())


def check_resolutions(landing: Landing) -> Iterator[tuple[str, str]]:
    """(file, what is wrong with it) for each resolution that no record could take. Whether its old value is what is held, and
    its case, the night alone can say."""
    for file in landing.get("resolutions"):
        rows = to_frame(file.read())
        for place, unfit in sorted(resolutions.cannot_be(rows, resolutions.shapes()).items()):
            number = rows["resolution_id"].iloc[place]
            yield (
                file.path.name,
                f"row {place + 1}, {'no number' if pd.isna(number) else shown(number)}: {unfit.why}",
            )
