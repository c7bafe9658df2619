"""Payments: whose each is, where it stands, and which dues it reaches (B59-B61, R25, R30, R31).

Belongs here: the facts of receipts of CSA and of collection agencies, what becomes of each, prompts, and the one pass in which
money reaches dues ([16], [18], [19]). A rule on a payment refuses that payment alone: it holds no casegroup and stands in no
outcome. Does not belong here: what people enter of payments (``payment_entries``), the order of dues (``domain.payments``),
judging (``gates``), storing (``store``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from case_closure.domain import nino
from case_closure.domain.money import parse_pounds
from case_closure.domain.names import comparable_names
from case_closure.domain.payments import (
    ALLOCATED,
    CREDITOR_RANKS,
    CSA,
    DCA,
    DUPLICATE,
    FLAGGED,
    HELD,
    STATUS_RANKS,
    SURPLUS,
    SUSPENSE,
    shared_out,
)
from case_closure.stages.common import findings, work_items
from case_closure.stages.common.exceptions import Before, Exceptions, of_rows
from case_closure.tables import handed
from case_closure.tables.frames import among, chosen, lookup, missing, take, take_pence
from case_closure.tables.handing import Handed, cut, empty
from case_closure.tables.resolutions import lay_over, of_people

_CSA_ROW = ["csa_system", "nino", "forenames", "surname", "csa_receipt_reference", "row_value"]
_DCA_ROW = ["dca_reference", "agency", "csa_system", "csa_case_id", "amount_pence", "received_on"]
# Pence of that many digits fit int64 whatever they are.
_DIGITS_THAT_FIT = 18
_MOST_AT_ONCE = 2**62
_HALF = 32


@dataclass(frozen=True)
class Receipts(Handed):
    """Rows to judge, in the order in which they came: tonight's, and those in suspense. What stands of their references, and
    who could have paid them."""

    csa_receipts: Annotated[pd.DataFrame, handed.CSA_RECEIPTS]
    dca_receipts: Annotated[pd.DataFrame, handed.DCA_RECEIPTS]
    firsts: Annotated[pd.DataFrame, handed.PAYMENTS_FIRST]
    stored: Annotated[pd.DataFrame, handed.PAYMENT_IDS]
    payers: Annotated[pd.DataFrame, handed.PAYERS_BY_NAME]
    entered_for_people: Annotated[pd.DataFrame, handed.ENTERED_FOR_PEOPLE]


@dataclass(frozen=True)
class Standing(Handed):
    """Payments that tonight may move on: held or flagged, of casegroups that are complete, or named by an entry of tonight; these
    entries; which casegroups are held, and when they completed."""

    payments: Annotated[pd.DataFrame, handed.PAYMENTS]
    resolutions: Annotated[pd.DataFrame, handed.RESOLUTIONS]
    casegroups: Annotated[pd.DataFrame, handed.CASEGROUPS_COMPLETED]


@dataclass(frozen=True)
class Allocated(Handed):
    """Payments after the pass, what happened to them, and an entry for each due that one reached."""

    payments: Annotated[pd.DataFrame, handed.PAYMENTS]
    events: Annotated[pd.DataFrame, handed.PAYMENT_EVENTS]
    ledger: Annotated[pd.DataFrame, handed.LEDGER]


# --- what the gates judge


def csa_facts(receipts: Receipts, on: pd.Timestamp) -> pd.DataFrame:
    """One line a receipt of CSA to judge; ``casegroup_id`` is the payer's, also where the surname is another's ([16])."""
    rows = receipts.csa_receipts
    pence, is_amount = whole_pence(rows["row_value"])
    # Five fields make a row: a value that holds a comma is what was left over.
    rows = rows.assign(amount_pence=pence, well_formed=is_amount & (pence > 0))
    rows = _by_reference(rows, CSA, "csa_receipt_reference", receipts, on)
    number = nino.cleaned(rows["nino"])
    matched = nino.matched_on(number).where(number.str.len() >= nino.MATCHED_CHARACTERS)
    payers = _payers(receipts)
    nobody = pd.Series("", index=rows.index, dtype="str")
    called = comparable_names(nobody, rows["surname"])
    known_as = comparable_names(pd.Series("", index=payers.index, dtype="str"), payers["surname"])
    owner = lookup(matched, payers, "matched_on")
    pairs = payers.assign(pair=payers["matched_on"] + "|" + known_as)
    # A payer without a surname is nobody's namesake.
    named = lookup((matched.fillna("") + "|" + called).where(called != ""), pairs, "pair")
    return rows.assign(
        csa_case_id=pd.Series(None, index=rows.index, dtype="str"),
        casegroup_id=take(payers["casegroup_id"], np.where(named >= 0, named, owner)),
        owner_known=(owner >= 0) | rows["is_duplicate"],
        surname_agrees=(named >= 0) | rows["is_duplicate"],
    )


def dca_facts(receipts: Receipts, on: pd.Timestamp) -> pd.DataFrame:
    """One line a receipt of an agency to judge; its casegroup is that of its case ([16])."""
    rows = receipts.dca_receipts
    given = ~missing(rows, "amount_pence")
    rows = rows.assign(well_formed=given & (rows["amount_pence"].to_numpy(np.int64) > 0))
    rows = _by_reference(rows, DCA, "dca_reference", receipts, on)
    return rows.assign(owner_known=rows["casegroup_id"].notna() | rows["is_duplicate"])


def whole_pence(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The pence of texts in pounds, 0 where a text is none, and whether it is one. int64, bool."""
    texts = pa.array(values, type=pa.string(), from_pandas=True)
    plain = pc.fill_null(pc.match_substring_regex(texts, r"^[0-9]+\.[0-9]{2}$"), False)
    fits = pc.and_(plain, pc.fill_null(pc.less_equal(pc.binary_length(texts), _DIGITS_THAT_FIT + 1), False))
    digits = pc.if_else(fits, pc.replace_substring(texts, ".", ""), "0")
    pence = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False).copy()
    is_pounds = fits.to_numpy(zero_copy_only=False).astype(bool)
    for place in np.flatnonzero(~is_pounds):
        parsed = parse_pounds(texts[int(place)].as_py())
        if parsed is not None:
            pence[place], is_pounds[place] = parsed, True
    return pence, is_pounds


def _payers(receipts: Receipts) -> pd.DataFrame:
    """Paying parents with what was entered for them laid over, lowest casegroup first."""
    payers = receipts.payers
    entered = of_people(receipts.entered_for_people)
    payers = lay_over(
        payers, entered, keys=payers["party_id"], by=entered["party_id"], fields=("nino", "surname")
    )
    payers = payers.assign(matched_on=nino.matched_on(nino.cleaned(payers["nino"])))
    return payers.sort_values("casegroup_id", kind="stable").reset_index(drop=True)


def _by_reference(
    rows: pd.DataFrame, source: str, column: str, receipts: Receipts, on: pd.Timestamp
) -> pd.DataFrame:
    """The rows with their payment's number, and what they are beside the first of their reference, whichever system's ([16]).

    Rows whose payment is stored already are left out: the stage is run again, or an extract that was landed again brings them.
    """
    rows = rows.reset_index(drop=True)
    reference = rows[column].str.strip(" ")
    reference = reference.where(reference.fillna("") != "")
    good = rows["well_formed"].to_numpy(bool) & reference.notna().to_numpy(bool)
    standing = rows["payment_id"].notna().to_numpy(bool)
    new = good & ~standing
    keys = pd.DataFrame(
        {
            "reference": reference,
            "csa_system": rows["csa_system"].fillna(""),
            "pence": rows["amount_pence"].to_numpy(),
        }
    )
    nth = pd.Series(1, index=rows.index, dtype="int64")
    several = new & reference.duplicated(keep=False).to_numpy(bool)
    nth[several] += keys[several].groupby(["reference", "csa_system", "pence"], sort=False).cumcount()
    number = (
        f"{source}-" + keys["reference"].fillna("") + f"-{on.date().isoformat()}-" + keys["csa_system"]
        + "-" + keys["pence"].astype("str") + "-" + nth.astype("str")
    )  # fmt: skip
    payment_id = rows["payment_id"].where(standing, number.where(new))
    stored = new & among(payment_id, receipts.stored["payment_id"])
    firsts = receipts.firsts[receipts.firsts["source"] == source].reset_index(drop=True)
    known = lookup(reference.where(new), firsts, "reference")
    first_here = rows.assign(reference=reference)[new & ~stored & (known < 0)]
    first_here = first_here[~first_here["reference"].duplicated()]
    is_first = rows["is_first"].to_numpy(bool).copy()
    is_first[first_here.index.to_numpy()] = True
    first_pence = take_pence(firsts["amount_pence"], known)
    here = lookup(reference, first_here.reset_index(drop=True), "reference")
    first_pence = np.where(known >= 0, first_pence, take_pence(first_here["amount_pence"], here))
    agrees = np.where(standing, is_first, first_pence == keys["pence"].to_numpy(np.int64)) | ~good
    place = (
        (rows["csa_system"].fillna("") if source == CSA else pd.Series(source, index=rows.index, dtype="str"))
        + rows["business_date"].dt.strftime(" %Y-%m-%d ")
        + rows["row_number"].astype("str")
    )
    rows = rows.assign(
        payment_id=payment_id,
        reference=reference,
        subject_reference=reference.where(reference.notna(), place),
        well_formed=good,
        is_standing=standing,
        is_first=is_first,
        is_duplicate=new & ~is_first & agrees,
        value_agrees=agrees,
    )
    return rows[~stored].reset_index(drop=True)


# --- what becomes of the rows that were judged


@dataclass(frozen=True)
class Concluded(Handed):
    """Payments that are new, or not where they stood; the exceptions found, and which rule each payment in suspense broke."""

    payments: Annotated[pd.DataFrame, handed.PAYMENTS]
    exceptions_found: Annotated[pd.DataFrame, handed.EXCEPTIONS_FOUND]
    broken: Annotated[pd.DataFrame, handed.PAYMENT_RULES]


def conclude(csa: pd.DataFrame, dca: pd.DataFrame, broke: Mapping[str, pd.DataFrame]) -> Concluded:
    """What the gates make of the rows. A malformed one is an exception only; a payment with an owner is HELD until it is known
    whether its casegroup is complete."""
    payments, of_source, broken = [], [], []
    for source, rows, name, original in (
        (CSA, csa, "csa_payments", _CSA_ROW),
        (DCA, dca, "dca_payments", _DCA_ROW),
    ):
        at = broke[name]["position"].to_numpy(np.int64)
        refused = np.zeros(len(rows), dtype=bool)
        refused[at] = True
        # What waited for a person waits for one still, whosever it is now.
        owned = np.where(rows["stood"] == FLAGGED, FLAGGED, HELD)
        status = np.where(rows["is_duplicate"], DUPLICATE, np.where(refused, SUSPENSE, owned))
        nothing = pd.Series(None, index=rows.index, dtype="str")
        never = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[s]")
        stays = (rows["stood"] == SUSPENSE) & (status == SUSPENSE)
        as_payments = rows.assign(
            source=source, csa_case_id=rows["csa_case_id"] if source == DCA else nothing, status=status,
            casegroup_id=rows["casegroup_id"].where(status == owned), allocated_pence=np.int64(0), allocated_on=never,
            passed_to=nothing, prompted_on=never,
        )  # fmt: skip
        payments.append(_as_payments(as_payments[rows["well_formed"] & ~stays]))
        broken.append(pd.DataFrame({
            "payment_id": rows["payment_id"].iloc[at].to_numpy(), "rule_code": broke[name]["rule_code"].to_numpy(),
            "reference": rows["reference"].iloc[at].to_numpy(),
        }))  # fmt: skip
        # Whose it could be is not said of an exception: it is nobody's until that is known.
        judged = rows.assign(casegroup_id=nothing)
        if source == CSA:
            judged = judged.assign(row_csa_system=rows["csa_system"], csa_system=nothing, csa_case_id=nothing)
            original = ["row_csa_system", *original[1:]]
        of_source.append(findings.exceptions_found(broke[name], judged, original_columns=original))
    return Concluded(
        pd.concat(payments, ignore_index=True), pd.concat(of_source, ignore_index=True),
        cut(pd.concat(broken, ignore_index=True).astype("str"), handed.PAYMENT_RULES),
    )  # fmt: skip


def _as_payments(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.reset_index(drop=True).astype({"source": "str", "status": "str", "amount_pence": "int64"})
    return cut(rows, handed.PAYMENTS)


def exceptions(
    csa: pd.DataFrame,
    dca: pd.DataFrame,
    exceptions_found: pd.DataFrame,
    opened_tonight: pd.Series,
    before: Before,
    on: pd.Timestamp,
    latest: pd.Timestamp,
) -> Exceptions:
    """Exceptions opened, seen again and resolved, and an item PAYMENT_SUSPENSE for each opened ([13], [40]).

    ``opened_tonight``: references of exceptions that an earlier run of the night opened: what does not break a rule of theirs
    now is not in the extract any more. A malformed row is mended only by another of its reference, well formed.
    """
    rows = pd.concat([frame[_WHOSE] for frame in (csa, dca)], ignore_index=True)
    judged = pd.concat([rows["subject_reference"], opened_tonight])
    came = pd.concat([chosen(rows["reference"], rows["well_formed"] & ~rows["is_standing"]), opened_tonight])
    decided = of_rows(exceptions_found, judged, before.open_exceptions, before.routes, on, latest)
    resolved = decided.resolved
    stays = (resolved["rule_code"] == "payment_malformed") & ~among(resolved["subject_reference"], came)
    nameless = chosen(rows["subject_reference"], rows["reference"].isna())
    return Exceptions(
        decided.opened,
        decided.seen,
        resolved[~stays].reset_index(drop=True),
        _suspense_items(decided.opened, nameless),
    )


_WHOSE = ["subject_reference", "reference", "well_formed", "is_standing"]


def _suspense_items(opened: pd.DataFrame, nameless: pd.Series) -> pd.DataFrame:
    """An item for each exception opened, by the exception's own number: two of one payment are closed apart."""
    if opened.empty:
        return work_items.none()
    reference = opened["subject_reference"].where(~among(opened["subject_reference"], nameless))
    items = opened.assign(
        work_item_id="PAYMENT_SUSPENSE-" + opened["exception_id"], type="PAYMENT_SUSPENSE", detail=opened["message"],
        subject_reference=reference,
    )  # fmt: skip
    return cut(items, handed.WORK_ITEMS)


# --- prompts, and the pass


def prompted(
    payments: pd.DataFrame, standing: Standing, routes: pd.DataFrame, on: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The payments with the night of their prompt, and an item for each flagged one whose casegroup is complete ([19])."""
    done = standing.casegroups[standing.casegroups["completed_on"].notna()]
    waits = (
        (payments["status"] == FLAGGED)
        & payments["prompted_on"].isna()
        & among(payments["casegroup_id"], done["casegroup_id"])
    )
    system = payments["csa_system"].where(payments["source"] == DCA)
    rows = work_items.routed(payments.assign(csa_system=system)[waits], routes)
    items = work_items.items_raised(
        rows, on, type="DCA_MANUAL_ALLOCATION", subject_reference=rows["reference"],
        detail="The casegroup is complete and this payment waits: say whether it may be allocated.",
    )  # fmt: skip
    return payments.assign(prompted_on=payments["prompted_on"].mask(waits, on)), items


def allocate(payments: pd.DataFrame, dues: pd.DataFrame, standing: Standing, on: pd.Timestamp) -> Allocated:
    """One pass over the payments held for complete casegroups, by night received, then reference ([18]).

    ``dues``: with what is outstanding of them. What is left of a payment is its surplus, and is not allocated later. An
    allocation is never dated before the completion it follows, on a late night either.
    """
    groups = standing.casegroups[standing.casegroups["completed_on"].notna()].reset_index(drop=True)
    ready = (payments["status"] == HELD) & among(payments["casegroup_id"], groups["casegroup_id"])
    going = _sorted(payments[ready], ["casegroup_id", "business_date", "reference", "source", "payment_id"])
    asked = among(dues["casegroup_id"], going["casegroup_id"])
    takes = _ordered(dues[asked & (dues["outstanding_pence"] > 0).to_numpy(bool)])
    pairs = share(
        going["casegroup_id"], going["amount_pence"], takes["casegroup_id"], takes["outstanding_pence"]
    )
    given = np.zeros(len(going), dtype=np.int64)
    np.add.at(given, pairs["payment"], pairs["pence"])
    completed = take(groups["completed_on"], lookup(going["casegroup_id"], groups, "casegroup_id"))
    dated = completed.where(completed > on, on).set_axis(going.index)
    after = payments.copy()
    after.loc[going.index, "allocated_pence"] = given
    after.loc[going.index, "allocated_on"] = dated
    after.loc[going.index, "status"] = np.where(given == going["amount_pence"], ALLOCATED, SURPLUS)
    gave, took = going.iloc[pairs["payment"]], takes.iloc[pairs["due"]]
    ledger = pd.DataFrame({
        "entry_id": took["due_id"].to_numpy() + "-ALLOCATION-" + gave["payment_id"].to_numpy(),
        "business_date": dated.loc[gave.index].to_numpy(), "due_id": took["due_id"].to_numpy(), "kind": "ALLOCATION",
        "amount_pence": -pairs["pence"], "reason": None, "reference": gave["reference"].to_numpy(),
    }) if len(gave) else empty(handed.LEDGER)  # fmt: skip
    events = events_of(after.loc[going.index].assign(by_what=f"NIGHT {on.date().isoformat()}"), on)
    return Allocated(cut(after, handed.PAYMENTS), events, cut(ledger, handed.LEDGER))


def _ordered(dues: pd.DataFrame) -> pd.DataFrame:
    """Dues in the order in which they take money ([18])."""
    ranked = dues.assign(
        status_rank=dues["arrears_status"].map(STATUS_RANKS).astype("int64"),
        creditor_rank=dues["creditor"].map(CREDITOR_RANKS).astype("int64"),
    )
    place = ["creditor_rank", "csa_system", "csa_case_id", "due_id"]
    order = ["casegroup_id", "status_rank", "arrears_from", "arrears_to", *place]
    return _sorted(ranked, order).reset_index(drop=True)


def _sorted(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The rows in order of these columns, what is missing last; by Arrow, which compares texts by code point."""
    keys = pa.table({name: pa.array(rows[name], from_pandas=True) for name in by})
    places = pc.sort_indices(keys, sort_keys=[(name, "ascending", "at_end") for name in by])
    return rows.iloc[places.to_numpy()]


def share(of_payment: pd.Series, payments: pd.Series, of_due: pd.Series, dues: pd.Series) -> pd.DataFrame:
    """What each payment gives to each due: ``payment`` and ``due`` (places), ``pence``. int64, all of them.

    ``of_payment``, ``of_due``: the casegroup of each, every due's one of a payment's; both sides are in order of casegroup and,
    within it, of their turn. Two rows of marks on one line: where a payment ends and where a due ends, counted from the first of
    the casegroup; each stretch between two marks is of one payment and one due.
    """
    names = of_payment.drop_duplicates().reset_index(drop=True)
    sides = [
        (lookup(groups, names.to_frame("name"), "name"), amounts.to_numpy(np.int64))
        for groups, amounts in ((of_payment, payments), (of_due, dues))
    ]
    if not all(len(groups) for groups, _ in sides):
        return pd.DataFrame({name: np.zeros(0, dtype=np.int64) for name in ("payment", "due", "pence")})
    # More than int64 can add up is nobody's money, but must not come out wrong: it is shared out one by one.
    huge = np.zeros(len(names), dtype=bool)
    for groups, amounts in sides:
        # By what is above the lower half of each, rounded up: that never comes to more than int64 holds.
        upper = np.zeros(len(names), dtype=np.int64)
        np.add.at(upper, groups, (amounts >> _HALF) + 1)
        huge |= upper > _MOST_AT_ONCE >> _HALF
    group = np.concatenate([groups for groups, _ in sides])
    ends = np.concatenate([_running(groups, amounts) for groups, amounts in sides])
    is_due = np.repeat([False, True], [len(sides[0][0]), len(sides[1][0])])
    order = np.lexsort((ends, group))
    group, ends, is_due = group[order], ends[order], is_due[order]
    starts = np.where(np.concatenate([[True], group[1:] != group[:-1]]), 0, np.concatenate([[0], ends[:-1]]))
    payment, due = (np.cumsum(of_side) - of_side for of_side in (~is_due, is_due))
    some = (ends > starts) & ~huge[group] & (payment < len(sides[0][0])) & (due < len(sides[1][0]))
    payment, due, pence, group = payment[some], due[some], (ends - starts)[some], group[some]
    both = (sides[0][0][payment] == group) & (sides[1][0][due] == group)
    pairs = [np.stack([payment[both], due[both], pence[both]], axis=1)]
    for one in np.flatnonzero(huge):
        places = [np.flatnonzero(groups == one) for groups, _ in sides]
        told = shared_out(*(amounts[at].tolist() for at, (_, amounts) in zip(places, sides, strict=True)))
        pairs.append(
            np.array([(places[0][a], places[1][b], pence) for a, b, pence in told], dtype=np.int64).reshape(
                -1, 3
            )
        )
    return pd.DataFrame(np.concatenate(pairs), columns=["payment", "due", "pence"]).astype("int64")


def _running(groups: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Running sums within each group; the groups are in order. What the whole sum wraps round, the difference takes back."""
    sums = np.cumsum(amounts, dtype=np.int64)
    first = np.searchsorted(groups, groups, side="left")
    return sums - np.where(first > 0, sums[first - 1], 0)


def events_of(rows: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """That each of these payments, with ``by_what``, came to stand where it does on that night."""
    if rows.empty:
        return empty(handed.PAYMENT_EVENTS)
    rows = rows.assign(business_date=on)
    return cut(rows.reset_index(drop=True), handed.PAYMENT_EVENTS)
