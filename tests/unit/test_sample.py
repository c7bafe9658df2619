"""What a sample is: same bytes, the contract's shape, the published proportions, nights that go on.

Does not belong here: what is wrong in it and what is told about that (`test_sample_faults`).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from case_closure.domain.applications import Standing, after, decide
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.domain.rules import RULES
from case_closure.landing.manifest import verify
from case_closure.sample import Planted, generate, mark
from case_closure.sample.faults import INVALID_NINOS
from case_closure.sample.nights import arrivals
from case_closure.tables.landed import FILES, contract_for

FROM = date(2017, 8, 10)
NIGHTS = 4
_IMPOSSIBLE = {nino[:8] for nino in INVALID_NINOS}
BELIEVABLE_PENCE = 40_000_000  # what the planted extremes, a million pounds and beyond, are left out by


@dataclass(frozen=True)
class Sample:
    """A landing zone made once for all tests that only read it."""

    out: Path
    planted: Planted

    def folder(self, night: int) -> Path:
        """The folder of one night, 0 being the first."""
        return self.out / (FROM + timedelta(days=night)).isoformat()

    def read(self, name: str, night: int = 0) -> pa.Table:
        """One file of one night."""
        return pq.read_table(self.folder(night) / FILES[name].file_name)


@pytest.fixture(scope="module")
def one_night(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    out = tmp_path_factory.mktemp("one")
    return Sample(out, generate(out, FROM, casegroups=20_000))


@pytest.fixture(scope="module")
def four_nights(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    out = tmp_path_factory.mktemp("four")
    return Sample(out, generate(out, FROM, nights=NIGHTS, casegroups=3_000, seed=7))


def _digests(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """R21 starts here: a night that is made again is the same night."""
    arguments: dict[str, Any] = {"nights": 3, "casegroups": 1_200, "seed": 11}
    first = generate(tmp_path / "a", FROM, **arguments)
    second = generate(tmp_path / "b", FROM, **arguments)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    assert first == second


@pytest.mark.parametrize("other", [{"seed": 12}, {"casegroups": 1_201}, {"fault_rate": 0.2}])
def test_other_arguments_give_other_bytes(tmp_path: Path, other: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"nights": 1, "casegroups": 1_200, "seed": 11}
    generate(tmp_path / "a", FROM, **arguments)
    generate(tmp_path / "b", FROM, **(arguments | other))
    assert _digests(tmp_path / "a") != _digests(tmp_path / "b")


def test_nothing_is_left_lying_about(four_nights: Sample) -> None:
    """The landing zone holds the nights, the criteria and the mark of a sample; the folder it was made in is gone."""
    wanted = {four_nights.folder(night).name for night in range(NIGHTS)} | {"criteria.json", mark.MARK}
    assert {path.name for path in four_nights.out.iterdir()} == wanted


def test_a_landing_zone_is_a_sample_only_while_every_night_of_it_is(tmp_path: Path) -> None:
    """Only there people with printed passwords are made."""
    generate(tmp_path, FROM, 2, 20)
    assert mark.is_all(tmp_path, [FROM])
    assert not mark.is_all(tmp_path, [FROM, FROM + timedelta(days=2)]), "a night was taken in from elsewhere"
    second = tmp_path / (FROM + timedelta(days=1)).isoformat() / "manifest.json"
    second.write_bytes(second.read_bytes() + b" ")
    assert not mark.is_all(tmp_path, []), "another extract was landed"
    generate(tmp_path, FROM, 2, 20)
    (tmp_path / "2018-01-01").mkdir()
    (tmp_path / "2018-01-01" / "manifest.json").write_text("{}")
    assert not mark.is_all(tmp_path, []), "a night of somebody else's"
    for nothing in ("", "[]", '{"manifests": 3}'):
        (tmp_path / mark.MARK).write_text(nothing)
        assert not mark.is_all(tmp_path, [])


@pytest.mark.parametrize("night", range(NIGHTS))
def test_every_night_agrees_with_its_manifest(four_nights: Sample, night: int) -> None:
    """R22: the manifest verifies, hash, rows, columns, types and control totals."""
    on = FROM + timedelta(days=night)
    landing = verify(four_nights.folder(night), on)
    assert landing.business_date == on
    named = {path.name for path in four_nights.folder(night).iterdir()} - {"manifest.json"}
    assert len(landing.files) == len(named)


def test_every_file_of_the_contract_occurs(four_nights: Sample) -> None:
    found = {
        contract.name
        for night in range(NIGHTS)
        for path in four_nights.folder(night).iterdir()
        if (contract := contract_for(path.name)) is not None
    }
    assert found == set(FILES)


def test_casegroup_sizes(one_night: Sample) -> None:
    """Facts to size it by: 86% of one case, 11% of two, 2.5% three, 0.5% four to ten, rarely 15."""
    size = np.array(pc.value_counts(one_night.read("csa_cases")["casegroup_id"]).field("counts"))
    assert abs((size == 1).mean() - 0.86) < 0.01
    assert abs((size == 2).mean() - 0.11) < 0.01
    assert abs((size == 3).mean() - 0.025) < 0.005
    assert abs(((size >= 4) & (size <= 10)).mean() - 0.005) < 0.002
    assert 0 < (size >= 15).sum() < 20


def test_money_has_the_published_tail(one_night: Sample) -> None:
    """Facts to size it by: 55% owe under 1,000 GBP; 4% of paying parents owe about 38%."""
    balances = one_night.read("csa_balances")
    total = balances["total_pence"].to_numpy()
    owing = total[(total > 0) & (total <= BELIEVABLE_PENCE)]
    assert abs((owing < 100_000).mean() - 0.55) < 0.02

    by_parent = (
        balances.group_by("casegroup_id").aggregate([("total_pence", "sum")])["total_pence_sum"].to_numpy()
    )
    by_parent = np.sort(by_parent[(by_parent > 0) & (by_parent <= 2 * BELIEVABLE_PENCE)])
    top = by_parent[-len(by_parent) * 4 // 100 :]
    assert abs(top.sum() / by_parent.sum() - 0.38) < 0.05


def test_buckets_occur_alone_and_together(one_night: Sample) -> None:
    """B44, R5: each of the nine alone, all nine together, credits, nil balances."""
    balances = one_night.read("csa_balances")
    amounts = np.column_stack([pc.fill_null(balances[c], 0).to_numpy() for c in BUCKET_COLUMNS])
    used = amounts != 0
    for place in range(len(BUCKET_COLUMNS)):
        assert (used[:, place] & (used.sum(axis=1) == 1)).any(), BUCKET_COLUMNS[place]
    assert used.all(axis=1).any()
    assert 0.005 < (amounts < 0).any(axis=1).mean() < 0.05
    assert 0.05 < (~used).all(axis=1).mean() < 0.2


def test_clerical_and_sensitive_shares(one_night: Sample) -> None:
    """About 7% clerical, by flag or report; under 0.1% nationally sensitive (R12, R13)."""
    cases = one_night.read("csa_cases")
    groups = len(pc.unique(cases["casegroup_id"]))

    def flagged(column: str) -> set[str]:
        return set(cases.filter(cases[column])["casegroup_id"].to_pylist())

    reported = set(one_night.read("clerical_balances")["casegroup_id"].to_pylist())
    assert 0.06 < len(flagged("partially_clerical") | reported) / groups < 0.10
    assert 0 < len(flagged("nationally_sensitive")) / groups < 0.001


def test_most_casegroups_can_complete_in_one_night(one_night: Sample) -> None:
    """A first demonstration shows the journey, not only what stops it."""
    cases = one_night.read("csa_cases")
    stopped = pc.or_(
        pc.equal(cases["case_status"], "OPEN"), pc.or_(cases["manual_inhibit"], cases["automatic_inhibit"])
    )
    stopped = pc.or_(stopped, pc.or_(cases["partially_clerical"], cases["nationally_sensitive"]))
    bad = {found.csa_case_id for found in one_night.planted.expected}
    share = 1 - (pc.sum(pc.fill_null(stopped, True)).as_py() + len(bad)) / cases.num_rows
    assert share > 0.75


def test_ninos_differ_in_their_first_eight_characters(one_night: Sample) -> None:
    """R18: matching is on the first eight, so no two people may share them but where it was planted."""
    ninos = pc.utf8_slice_codeunits(
        pc.drop_null(pc.replace_substring(one_night.read("csa_parties")["nino"], " ", "")), 0, 8
    )
    times = Counter(ninos.to_pylist())
    shared = {nino for nino, count in times.items() if count > 1}
    assert all(nino in _IMPOSSIBLE for nino in shared)


def test_closing_ledger_agrees_but_for_planted_breaks(one_night: Sample) -> None:
    """B54: most of what CSA says left is what arrived; a few buckets differ, miss, or were never sent."""
    left = {
        (
            row["csa_system"],
            row["csa_case_id"],
            f"{row['creditor']}_{row['arrears_status']}_pence".lower(),
        ): row["amount_pence"]
        for row in one_night.read("csa_closing_ledger").to_pylist()
    }
    received: Counter[tuple[str, str, str]] = Counter()
    for name in ("csa_balances", "clerical_balances"):
        for row in one_night.read(name).to_pylist():
            for column in BUCKET_COLUMNS:
                if row[column]:
                    received[row["csa_system"], row["csa_case_id"], column] += row[column]
    differs = sum(1 for at, pence in left.items() if at in received and received[at] != pence)
    missing = sum(1 for at in received if at not in left)
    extra = sum(1 for at in left if at not in received)
    assert min(differs, missing, extra) > 0
    assert differs + missing + extra < 0.02 * len(left)


@pytest.mark.parametrize(
    "name", ["csa_cases", "csa_balances", "csa_parties", "cis_persons", "csa_closing_ledger"]
)
def test_a_key_stands_once_a_night_but_where_a_duplicate_is_planted(four_nights: Sample, name: str) -> None:
    duplicate = {"csa_cases": "case_duplicate", "csa_balances": "balance_duplicate"}.get(name)
    for night in range(NIGHTS):
        on = FROM + timedelta(days=night)
        planted = {
            (found.csa_system, found.csa_case_id)
            for found in four_nights.planted.expected
            if found.rule_code == duplicate and found.date == on
        }
        rows = four_nights.read(name, night).select(list(FILES[name].key)).to_pylist()
        times = Counter(tuple(row.values()) for row in rows if None not in row.values())
        assert {key for key, count in times.items() if count > 1} == planted


def test_nights_continue_one_another(four_nights: Sample) -> None:
    """Cases close later, inhibits go, balances come again, exceptions are mended."""
    first = {
        (row["csa_system"], row["csa_case_id"]): row for row in four_nights.read("csa_cases").to_pylist()
    }
    balances = {row["balance_id"]: row for row in four_nights.read("csa_balances").to_pylist()}
    closed = released = same = changed = resolved = 0
    for night in range(1, NIGHTS):
        for row in four_nights.read("csa_cases", night).to_pylist():
            was = first.get((row["csa_system"], row["csa_case_id"]))
            closed += was is not None and was["case_status"] == "OPEN" and row["case_status"] == "CLOSED"
            released += was is not None and bool(was["manual_inhibit"]) and not row["manual_inhibit"]
        for row in four_nights.read("csa_balances", night).to_pylist():
            if (before := balances.get(row["balance_id"])) is not None:
                same += before == row
                changed += before != row
        resolved += four_nights.read("resolutions", night).num_rows
    assert min(closed, released, same, changed, resolved) > 0
    assert four_nights.planted.mended


def test_liability_never_ends_before_a_later_night_says_so(four_nights: Sample) -> None:
    """B10: a case that closes later is ready on that night and not before."""
    for night in range(1, NIGHTS):
        on = FROM + timedelta(days=night)
        before = {
            (row["csa_system"], row["csa_case_id"])
            for row in four_nights.read("csa_cases", 0).to_pylist()
            if row["case_status"] == "OPEN" and row["case_type"] == "ONGOING"
        }
        for row in four_nights.read("csa_cases", night).to_pylist():
            if (row["csa_system"], row["csa_case_id"]) in before and row["case_status"] == "CLOSED":
                assert row["liability_end_date"] is not None
                assert row["liability_end_date"] <= on


def test_a_case_that_closes_later_has_sent_its_balance_by_then(four_nights: Sample) -> None:
    """B28, B29: the final balance comes with the closure at the latest."""
    was_open = {_key(r) for r in four_nights.read("csa_cases").to_pylist() if r["case_status"] == "OPEN"}
    sent: set[tuple[str, str]] = set()
    closed = 0
    for night in range(NIGHTS):
        sent |= {_key(row) for row in four_nights.read("csa_balances", night).to_pylist()}
        closing = {
            _key(row)
            for row in four_nights.read("csa_cases", night).to_pylist()
            if row["case_status"] == "CLOSED" and _key(row) in was_open
        }
        assert closing <= sent
        closed += len(closing)
    assert closed > 50


def _key(row: dict[str, str]) -> tuple[str, str]:
    return row["csa_system"], row["csa_case_id"]


def test_criteria_have_an_approved_and_an_unapproved_row(four_nights: Sample) -> None:
    """B6: an unapproved change is there, and must select nothing."""
    rows = json.loads((four_nights.out / "criteria.json").read_text(encoding="utf-8"))
    assert {row["authorised_by"] is None for row in rows} == {True, False}
    assert all(list(row) == list(rows[0]) for row in rows)
    assert len({row["tranche_id"] for row in rows}) == len(rows)


def _open_groups(sample: Sample) -> dict[str, list[dict[str, Any]]]:
    """The casegroups of the first night with an open case, and all their cases."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in sample.read("csa_cases").to_pylist():
        groups.setdefault(row["casegroup_id"], []).append(row)
    return {
        group: rows for group, rows in groups.items() if any(row["case_status"] == "OPEN" for row in rows)
    }


def test_the_first_night_decides_applications_in_every_way(four_nights: Sample) -> None:
    """B19-B23: all six decisions, by the ruling itself; the tranche of short notice is the only one to make a difference."""
    parties = {row["party_id"]: row["nino"] for row in four_nights.read("csa_parties").to_pylist()}
    standings: dict[str, Standing] = {}
    still_open = _open_groups(four_nights)
    for row in four_nights.read("csa_cases").to_pylist():
        group, payer = row["casegroup_id"], parties.get(row["paying_parent_id"])
        if group is None or not payer:
            continue
        short = any(
            (one["csa_system"], one["segment"], one["case_type"], one["case_status"])
            == ("CCD", 5, "ONGOING", "OPEN")
            for one in still_open.get(group, ())
        )
        proactive: dict[str, Any] = (
            {"journey": "PROACTIVE", "led": FROM + timedelta(days=30)} if short else {}
        )
        standings.setdefault(payer[:8], Standing(group, any_open=group in still_open, **proactive))
    made = []
    applications = [row for row in four_nights.read("cms_applications").to_pylist() if row["received_on"]]
    for row in sorted(applications, key=lambda row: (row["received_on"], row["application_id"])):
        named = (row["named_paying_parent_nino"] or "")[:8]
        if row["received_on"] <= FROM:
            standing = standings.get(named)
            made.append(decide(row["received_on"], eligible=row["eligible"], standing=standing))
            if standing:
                standings[named] = after(standing, made[-1])
    assert {one.decision for one in made} == {
        "REACTIVE", "KEPT_PROACTIVE", "ALREADY_REACTIVE", "NOT_ON_CSA", "NOT_ELIGIBLE", "LIABILITY_ENDED",
    }  # fmt: skip


def test_look_ups_fail_and_differ_for_each_role(four_nights: Sample) -> None:
    """B65-B67: applicant, paying parent, partner."""
    cases = four_nights.read("csa_cases").to_pylist()
    parties = {row["party_id"]: row["nino"] for row in four_nights.read("csa_parties").to_pylist()}
    found = {
        (parties.get(row[f"{role}_parent_id"]) or "")[:8] for row in cases for role in ("paying", "receiving")
    }
    seen: set[tuple[str, str]] = set()
    for row in four_nights.read("cms_applications").to_pylist():
        for role, nino in (
            ("applicant", "applicant"),
            ("paying_parent", "named_paying_parent"),
            ("partner", "partner"),
        ):
            given, says = row[f"{nino}_nino"], row[f"{role}_says_csa"]
            if role == "partner" and given is None and says is None:
                continue
            if given is None or given[:8] in _IMPOSSIBLE:
                seen.add((role, "failed"))
            elif says is not None and says != (given[:8] in found):
                seen.add((role, "differs"))
    assert seen == {
        (role, how) for role in ("applicant", "paying_parent", "partner") for how in ("failed", "differs")
    }


def test_what_closure_sends_is_answered_on_later_nights(four_nights: Sample) -> None:
    """B15, B25: LTRs acknowledged, pending, closed and refused; letters of closure and of arrears sent by hand."""
    asked, outcomes, codes = set(), set(), set()
    for night in range(NIGHTS):
        for row in four_nights.read("ltr_responses", night).to_pylist() if night else ():
            if row["ltr_id"].split("-")[2] in asked:
                outcomes.add(row["outcome"])
        asked |= {row["application_id"] for row in four_nights.read("cms_applications", night).to_pylist()}
        if (four_nights.folder(night) / FILES["clerical_letters"].file_name).exists():
            codes |= {row["letter_id"][:8] for row in four_nights.read("clerical_letters", night).to_pylist()}
    assert outcomes == {None, "PENDING", "CLOSED", "REFUSED", "DONE"}
    assert {"CMSL6301", "CMSL6303"} <= codes


def test_selected_casegroups_are_joined_inhibited_failed_and_closed_later(four_nights: Sample) -> None:
    """B7, B53, B69: what happens to a casegroup after it was selected."""
    groups = _open_groups(four_nights)
    ongoing = {_key(row) for rows in groups.values() for row in rows if row["case_status"] == "OPEN"}
    there = {_key(row) for rows in groups.values() for row in rows}
    joined, closed, failed, inhibited, released = (set[Any]() for _ in range(5))
    for night in range(1, NIGHTS):
        for row in four_nights.read("csa_cases", night).to_pylist():
            joined |= {_key(row)} if row["casegroup_id"] in groups and _key(row) not in there else set()
            closed |= (
                {_key(row)} if _key(row) in ongoing and row["closed_reason"] == "CASE_CLOSURE" else set()
            )
        for name, into in (("closure_failures", failed), ("inhibits", inhibited)):
            if (four_nights.folder(night) / FILES[name].file_name).exists():
                for row in four_nights.read(name, night).to_pylist():
                    removed = name == "inhibits" and row["removed_on"] is not None
                    (released if removed else into).add(_key(row))
    assert joined
    assert closed & failed & ongoing, "cleared by a CLOSED row"
    assert inhibited & released & ongoing, "set after selection, and removed again"


def test_the_first_night_has_more_than_its_capped_tranche_takes(four_nights: Sample) -> None:
    """B7: the cap ends the selection; B6: what nobody authorised matches cases too, and must select none."""
    rows = json.loads((four_nights.out / "criteria.json").read_text(encoding="utf-8"))
    still_open = [
        row for rows in _open_groups(four_nights).values() for row in rows if row["case_status"] == "OPEN"
    ]
    matching = {
        row["tranche_id"]: sum(
            one["segment"] in row["segments"]
            and one["csa_system"] in row["csa_systems"]
            and one["case_type"] in row["case_types"]
            for one in still_open
        )
        for row in rows
        if row["valid_from"] == FROM.isoformat()
    }
    capped = [row for row in rows if row["max_cases"] is not None and row["authorised_on"]]
    assert capped
    assert all(matching[row["tranche_id"]] > row["max_cases"] for row in capped)
    assert all(matching.values())


def test_an_exception_of_the_first_night_has_a_case_owner(four_nights: Sample) -> None:
    """B50: its paying parent has a casegroup on CMS, with an owner."""
    owners = {
        row["paying_parent_nino"][:8]
        for row in four_nights.read("cms_register").to_pylist()
        if row["case_owner"]
    }
    parties = {row["party_id"]: row["nino"] for row in four_nights.read("csa_parties").to_pylist()}
    payers = {
        _key(row): (parties.get(row["paying_parent_id"]) or "")[:8]
        for row in four_nights.read("csa_cases").to_pylist()
    }
    holds = [
        one
        for one in four_nights.planted.expected
        if one.date == FROM and RULES[one.rule_code].severity == "HOLD"
    ]
    assert any(payers.get((one.csa_system or "", one.csa_case_id or "")) in owners for one in holds)


@pytest.mark.parametrize(("casegroups", "nights"), [(1, 1), (1, 3), (10, 4), (1000, 1), (1001, 7)])
def test_nights_share_out_every_casegroup(casegroups: int, nights: int) -> None:
    shares = arrivals(casegroups, nights)
    assert len(shares) == nights
    assert sum(shares) == casegroups
    assert min(shares) >= 0


@pytest.mark.parametrize("casegroups", [1, 7, 60])
def test_small_samples_are_whole_nights_too(tmp_path: Path, casegroups: int) -> None:
    generate(tmp_path, FROM, nights=2, casegroups=casegroups)
    for night in (FROM, FROM + timedelta(days=1)):
        verify(tmp_path / night.isoformat(), night)


@pytest.mark.parametrize("bad", [{"nights": 0}, {"casegroups": 0}, {"fault_rate": 1.5}, {"fault_rate": -0.1}])
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"share between|at least one"):
        generate(tmp_path / "out", FROM, **bad)
    assert not (tmp_path / "out").exists()


def _every_balance_broken(out: Path) -> bool:
    table = pq.read_table(out / FROM.isoformat() / "csa_balances.parquet")
    amounts = [table[column].to_numpy(zero_copy_only=False) for column in BUCKET_COLUMNS]
    total = table["total_pence"].to_numpy(zero_copy_only=False)
    wrong_sum = sum(amounts) != total  # a null makes NaN, which differs from everything
    huge = np.any([np.abs(amount) > 100_000_000 for amount in amounts], axis=0)
    late = pc.fill_null(pc.greater(table["arrears_to"], FROM), False).to_numpy(zero_copy_only=False)
    return bool((wrong_sum | huge | late).all())


def _every_parent_broken(out: Path) -> bool:
    table = pq.read_table(out / FROM.isoformat() / "csa_parties.parquet")
    nulls = [pc.is_null(table[c]) for c in ("surname", "date_of_birth", "nino", "address_line_1")]
    return bool(np.any([flags.to_numpy(zero_copy_only=False) for flags in nulls], axis=0).all())


@pytest.mark.parametrize(
    ("all_bad", "broken", "sound"),
    [
        ("balances", [_every_balance_broken], [_every_parent_broken]),
        ("parties", [_every_parent_broken], [_every_balance_broken]),
        (True, [_every_balance_broken, _every_parent_broken], []),
        (False, [], [_every_balance_broken, _every_parent_broken]),
    ],
)
def test_all_bad_leaves_no_row_sound(
    tmp_path: Path, all_bad: bool, broken: list[Callable[[Path], bool]], sound: list[Callable[[Path], bool]]
) -> None:
    generate(tmp_path, FROM, casegroups=400, all_bad=all_bad)
    assert all(check(tmp_path) for check in broken)
    assert not any(check(tmp_path) for check in sound)


def test_twenty_thousand_casegroups_take_seconds(tmp_path: Path) -> None:
    """100,000 in under 30 s is the figure; a fifth of both here, with room for a busy machine."""
    began = time.perf_counter()
    generate(tmp_path, FROM, casegroups=20_000)
    assert time.perf_counter() - began < 6
