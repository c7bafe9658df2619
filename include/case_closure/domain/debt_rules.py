"""The nine predetermined rules that run over a debt before closure: one ordered, versioned table, as data (B71, R23).

The source names nine rules and lists none. These are ILLUSTRATIVE: drawn from SI 2009/3151 reg 13G and ruled on in R23 and R34,
and to be replaced by the policy's own. A table that was in force once stays here under its version, since what it wrote off is
on record under that number.

Belongs here: each rule's name, when it fires and what it takes, and from which buckets first. Does not belong here: applying
them to a night's debts (``stages.judge_debts``), where the facts they look at come from (``store.debts``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from case_closure.domain.money import CREDITORS, Bucket

# What a rule came to, told of the buckets it may take from [43].
NONE, OFF, DOWN = "NONE", "OFF", "DOWN"
RESULTS: Final = (NONE, OFF, DOWN)

# A rule takes its pence from what is least collectable first and from the receiving parent's money last (R34, [35]).
TAKEN_FROM: Final = tuple(
    Bucket(creditor, status)
    for status in ("DEFERRED", "SUSPENDED", "ACTIVE")
    for creditor in ("NI_SOS", "GB_SOS", "RP")
)

# What is left when it is a rule's turn, and the setting CASE_CLOSURE_LOW_VALUE_PENCE: facts that are no column of csa_debts.
LEFT, LOW_VALUE = "left_pence", "low_value_pence"


@dataclass(frozen=True)
class When:
    """One condition on a fact of the debt or of its parents. A fact that is not known meets none.

    ``test``: 'is' that value; 'before' that day; 'above' so many pence; 'at most' the fact that ``value`` names.
    """

    fact: str
    test: Literal["is", "before", "above", "at most"]
    value: str | bool | int | date


@dataclass(frozen=True)
class DebtRule:
    """One of the nine.

    ``when``: it fires where any of these holds. ``takes_from``: the creditors whose buckets it may take from. ``effect``: 'all'
    of it; what is 'above' the pence of the fact ``amount`` (null: 0); or the pence 'of' that fact.
    """

    number: int
    name: str
    says: str
    when: tuple[When, ...]
    effect: Literal["all", "above", "of"]
    amount: str | None = None
    takes_from: tuple[str, ...] = CREDITORS


_RP = ("RP",)

TABLES: Final[dict[int, tuple[DebtRule, ...]]] = {
    1: (
        DebtRule(1, "RP_WRITE_OFF", "The receiving parent asked for their arrears to be written off.",
                 (When("rp_arrears_decision", "is", "WRITE_OFF"),), "all", takes_from=_RP),
        DebtRule(2, "RP_PART_WRITE_OFF", "The receiving parent chose to keep a part of their arrears.",
                 (When("rp_arrears_decision", "is", "PART_WRITE_OFF"),), "above", "rp_keep_pence", takes_from=_RP),
        DebtRule(3, "RP_DIED", "The receiving parent has died.",
                 (When("rp_died", "is", True),), "all", takes_from=_RP),
        DebtRule(4, "PP_DIED", "The paying parent died before 25 January 2010, or left no estate to recover from.",
                 (When("pp_no_estate", "is", True), When("pp_died_on", "before", date(2010, 1, 25))), "all"),
        DebtRule(5, "INTERIM_ASSESSMENT", "A part is interim maintenance assessment liability of 1993 to 1995.",
                 (When("ima_pence", "above", 0),), "of", "ima_pence"),
        DebtRule(6, "NO_FURTHER_ACTION", "The paying parent was told that no further action would be taken.",
                 (When("no_further_action_told", "is", True),), "all"),
        DebtRule(7, "PART_PAYMENT_ACCEPTED", "A part payment was accepted in satisfaction of the whole.",
                 (When("part_payment_accepted_pence", "above", 0),), "above", "part_payment_accepted_pence"),
        DebtRule(8, "DUPLICATE_LIABILITY", "A part is a second liability for the same period.",
                 (When("duplicate_liability_pence", "above", 0),), "of", "duplicate_liability_pence"),
        DebtRule(9, "LOW_VALUE", "What is left costs more to collect than it brings; off unless it is configured.",
                 (When(LEFT, "at most", LOW_VALUE),), "all"),
    ),
}  # fmt: skip
VERSION: Final = max(TABLES)
RULES: Final = TABLES[VERSION]
assert all([rule.number for rule in table] == [*range(1, 10)] for table in TABLES.values()), (
    "exactly nine rules in their order"
)
