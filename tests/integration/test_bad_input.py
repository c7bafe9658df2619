"""The 'Bad input' table, end to end: what a person sees, what is refused, what goes on (R22, B48, issue 'The night')."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from case_closure.domain.rules import RULES
from case_closure.landing.rejection import LandingRejected
from case_closure.store import database
from case_closure.store.casegroups import Gather
from tests.support.builders import ALL_NINE, Case, Row, balance, case, nino_of
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

ON, NEXT = date(2017, 8, 10), date(2017, 8, 11)
COMPLETE = ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text())


def figure(folder: Path, file: str, **figures: object) -> None:
    """Change what the manifest says of a file."""
    content = manifest(folder)
    next(named for named in content["files"] if named["name"] == file).update(figures)
    (folder / "manifest.json").write_text(json.dumps(content))


def retyped(folder: Path) -> None:
    path = folder / "csa_balances.parquet"
    rows = pq.read_table(path)
    place = rows.schema.get_field_index("rp_active_pence")
    pq.write_table(rows.set_column(place, "rp_active_pence", rows.column(place).cast(pa.float64())), path)
    _vouch(folder, path)


def without_column(folder: Path) -> None:
    path = folder / "csa_cases.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["scheme"]), path)
    _vouch(folder, path)


def _vouch(folder: Path, path: Path) -> None:
    import hashlib

    figure(folder, path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def truncated(folder: Path) -> None:
    path = folder / "csa_cases.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    _vouch(folder, path)


def text_named_parquet(folder: Path) -> None:
    path = folder / "csa_cases.parquet"
    path.write_text("csa_system,csa_case_id\nCS2,1\n")
    _vouch(folder, path)


WRONG: dict[str, tuple[Any, tuple[str, ...]]] = {
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), ("manifest.json",)),
    "unreadable manifest": (lambda folder: (folder / "manifest.json").write_text("{"), ("manifest.json", "JSON")),
    "wrong date": (
        lambda folder: (folder / "manifest.json").write_text(json.dumps(manifest(folder) | {"business_date": "2017-08-11"})),
        ("2017-08-10", "2017-08-11"),
    ),
    "hash": (lambda folder: figure(folder, "csa_cases.parquet", sha256="0" * 64), ("csa_cases.parquet", "sha256")),
    "row count": (lambda folder: figure(folder, "csa_cases.parquet", rows=99), ("csa_cases.parquet", "rows", "99")),
    "control total": (
        lambda folder: figure(folder, "csa_balances.parquet", control_totals={"total_pence": 7}),
        ("csa_balances.parquet", "total_pence", "7", "1000"),
    ),
    "column missing": (without_column, ("csa_cases.parquet", "scheme")),
    "column of another type": (retyped, ("csa_balances.parquet", "rp_active_pence")),
    "extra file": (lambda folder: (folder / "csa_debts.parquet").write_bytes(b"x"), ("csa_debts.parquet",)),
    "missing file": (lambda folder: (folder / "csa_parties.parquet").unlink(), ("csa_parties.parquet",)),
    "truncated parquet": (truncated, ("csa_cases.parquet",)),
    "text named parquet": (text_named_parquet, ("csa_cases.parquet",)),
}  # fmt: skip


def test_R22_whatever_disagrees_rejects_the_night_whole_and_the_mended_folder_goes_through(
    installation: Installation,
) -> None:
    """Which file, which figure, expected and found; nothing applied; then the same command."""
    for wrong, (spoil, words) in WRONG.items():
        folder = installation.land(ON, case())
        spoil(folder)
        with pytest.raises(LandingRejected) as rejected:
            installation.run(ON)
        for word in words:
            assert word in str(rejected.value), wrong
        assert installation.night_status() == {ON: "REJECTED"}, wrong
        assert installation.query("select count(*) as n from held.csa_cases") == [{"n": 0}], wrong
        assert installation.view("exceptions") == [], wrong
    installation.land(ON, case())
    installation.run(ON)
    assert installation.outcomes() == {"G1": COMPLETE}
    assert installation.night_status() == {ON: "SUCCESS"}


# --- every rule code, each on a casegroup of its own


BAD: dict[str, dict[str, Any]] = {
    "case_key_missing": {"csa_system": None, "no_balance": True},
    "case_enum_invalid": {"scheme": "2012", "no_balance": True},
    "balance_key_missing": {"balance_row": {"balance_id": None}},
    "balance_casegroup_mismatch": {"balance_row": {"casegroup_id": "elsewhere"}},
    "balance_amount_missing": {"balance_row": {"rp_active_pence": None}},
    "balance_total_mismatch": {"balance_row": {"total_pence": 7}},
    "balance_amount_implausible": {"owes": {"rp_active": 100_000_001}},
    "balance_period_invalid": {"balance_row": {"arrears_to": NEXT}},
    "party_missing": {"not_received": ["receiver"]},
    "surname_missing": {"receiver": {"surname": None}},
    "date_of_birth_missing": {"receiver": {"date_of_birth": None}},
    "date_of_birth_implausible": {"receiver": {"date_of_birth": date(2010, 1, 1)}},
    "nino_missing": {"receiver": {"nino": None}},
    "nino_invalid": {"receiver": {"nino": "GB123456A"}},
    "contact_missing": {"receiver": {"address_line_1": None}},
    "child_missing": {"child": False},
    "cis_no_match": {"not_in_cis": ["receiver"]},
    "cis_name_mismatch": {"receiver_cis": {"surname": "Wilson"}},
    "cis_date_of_birth_mismatch": {"receiver_cis": {"date_of_birth": date(1980, 5, 18)}},
    "cis_superseded_nino": {"receiver_cis": {"superseded_by_nino": "AB999999A"}},
    "cis_deceased": {"receiver_cis": {"date_of_death": date(2016, 1, 1)}},
    "cis_multiple_matches": {},
    "method_of_payment_invalid": {"method_of_payment": "CHEQUE"},
    "cis_benefit_missing": {"method_of_payment": "BENEFIT_DEDUCTION", "payer_cis": {"benefit_live": False}},
    "region_unknown": {"receiver": {"postcode": None, "country": "FR"}},
    "closure_failed": {"closure_failure_code": "F1"},
    "nino_administrative_prefix": {"receiver": {"nino": "PY123456A"}},
    "nino_suffix_differs": {"receiver_cis": {"nino": nino_of("RP-nino_suffix_differs")[:8] + "D"}},
}  # fmt: skip
NO_HOLD = ("nino_administrative_prefix", "nino_suffix_differs", "inhibit_not_authorised")


def every_rule() -> tuple[list[Case], dict[str, list[Row]]]:
    """A casegroup for each rule, named after it; whose second case is in order."""
    cases = [case(rule, rule, **over) for rule, over in BAD.items()]
    cases += [case(f"{rule} 2", rule) for rule in BAD]
    cases += [case("case_duplicate", "case_duplicate", no_balance=True)] * 2
    cases += [
        case("balance_duplicate", "balance_duplicate"),
        case("inhibit_not_authorised", "inhibit_not_authorised"),
    ]
    cases += [
        case(f"case_casegroup_conflict {n}", "case_casegroup_conflict", paying_parent_id=f"PP-{n}")
        for n in (1, 2)
    ]
    cases += [case("balance_case_unknown", "balance_case_unknown"), case("fine", "fine", owes=ALL_NINE)]
    twice = {"nino": nino_of("RP-cis_multiple_matches")[:8] + "B", "surname": "Walker"}
    inhibit = {
        "inhibit_id": "I",
        "csa_system": "CS2",
        "csa_case_id": "inhibit_not_authorised",
        "set_by_role": "CASEWORKER",
        "set_on": ON,
    }
    return cases, {
        "cis_persons": [twice],
        "csa_balances": [
            balance("balance_duplicate", "balance_duplicate", {"rp_active": 1}, balance_id="second"),
            balance("nowhere", "balance_case_unknown", {"rp_active": 1}),
        ],
        "inhibits": [inhibit],
    }  # fmt: skip


@pytest.fixture(scope="module")
def bad_night(database_server: Any) -> Any:
    with database_server.installation() as made:
        cases, more = every_rule()
        made.night(ON, *cases, **more)
        yield made


def test_B48_each_bad_row_gets_its_rule_code_and_holds_its_casegroup_and_no_other(
    bad_night: Installation,
) -> None:
    rows = {(row["rule_code"], row["casegroup_id"]) for row in bad_night.view("exceptions")}
    expected = {
        (rule, rule) for rule in (*BAD, "case_duplicate", "balance_duplicate", "balance_case_unknown")
    }
    expected |= {
        ("case_casegroup_conflict", "case_casegroup_conflict"),
        ("inhibit_not_authorised", "inhibit_not_authorised"),
    }
    assert rows == expected
    outcomes = bad_night.outcomes()
    assert outcomes.pop("fine") == COMPLETE
    shown = dict(outcomes)
    assert shown.pop("closure_failed") == ("HELD", "CLOSURE_FAILED")
    assert {shown.pop(rule) for rule in NO_HOLD} == {COMPLETE}
    shown.pop("case_duplicate", None)
    assert shown == {group: ("EXCEPTION", group) for group in shown}


def test_every_rule_of_the_night_is_reported_with_rows_judged_and_failed(bad_night: Installation) -> None:
    """'Every rule is reported each night, also those that found nothing.'"""
    rows = bad_night.view("rule_results")
    # A clerical balance is judged by two of the rules of any balance; there was none.
    clerical = {row["rule_code"]: row["failed_rows"] for row in rows if row["suite"] == "clerical_balances"}
    assert clerical == {"balance_key_missing": 0, "balance_case_unknown": 0}
    results = {row["rule_code"]: row for row in rows if row["suite"] != "clerical_balances"}
    expected = {code for code, rule in RULES.items() if rule.stage in ("receive_balances", "set_up_cases")}
    assert expected <= set(results)
    assert {code for code in expected if results[code]["failed_rows"] == 0} == {
        "balance_changed_after_completion", "exception_reported",
    }  # fmt: skip
    assert all(row["judged_rows"] >= row["failed_rows"] for row in results.values())


def test_the_original_row_is_kept_with_its_exception(bad_night: Installation) -> None:
    """And no view shows it."""
    rows = bad_night.query("select rule_code, original from closure.exceptions")
    originals = {row["rule_code"]: json.loads(row["original"]) for row in rows}
    assert originals["nino_invalid"]["nino"] == "GB123456A"
    assert originals["case_enum_invalid"]["scheme"] == "2012"
    assert originals["balance_total_mismatch"]["total_pence"] == 7
    assert not [row for row in bad_night.view("exceptions") if "GB123456" in str(row)]


def test_personal_values_are_masked_in_every_view(bad_night: Installation) -> None:
    """'NINO masked but for the last three characters.'"""
    values = {row["rule_code"]: row["value"] for row in bad_night.view("exceptions")}
    assert values["nino_invalid"] == "******56A"
    shown = str(bad_night.everything())
    assert "GB123456" not in shown
    assert "Wilson" not in shown


def test_each_exception_has_its_work_item(bad_night: Installation) -> None:
    """R10, B50: one for each HOLD exception, none for a warning."""
    items = {
        row["subject_reference"]: row for row in bad_night.view("work_items") if row["subject_reference"]
    }
    for row in bad_night.view("exceptions"):
        item = items.get(row["exception_id"])
        if row["severity"] == "WARNING":
            assert item is None
            assert row["route"] is None
        else:
            assert item is not None
            assert item["type"] == RULES[row["rule_code"]].work_item
            assert item["route"] == row["route"]


def test_a_file_that_is_all_bad_the_night_completes_and_says_so(installation: Installation) -> None:
    bad = [
        case(f"{n}", f"G{n}", balance_row={"total_pence": 7, "arrears_from": None}, scheme="2003")
        for n in range(300)
    ]
    installation.night(ON, *bad)
    assert installation.night_status() == {ON: "SUCCESS"}
    assert len(installation.view("exceptions")) == 600
    (figures,) = installation.view("nights")
    assert (figures["exceptions_opened"], figures["posted_pence"], figures["held_pence"]) == (600, 0, 300_000)


HOSTILE = (
    "'; drop table held.csa_cases; --",
    "=cmd|'/c calc'!A1",
    "@SUM(1+1)",
    "\\.",
    "NULL",
    '"',
    "a\nb",
    "a\tb",
    "x" * 10_000,
    "%s",
    "{0}",
    "\u202egnirts",
    "Siân\u0301",
    "🙂",
    "a,b",
    "\\N",
    "$$",
)


def test_hostile_texts_are_kept_as_text_and_execute_nothing(installation: Installation) -> None:
    """'huge strings, control characters, formula and SQL text in names ... nothing executed, nothing lost'."""
    # In the names of people, in the case's number and its casegroup.
    named = [case(f"n{n}", f"named {n}", receiver={"surname": name}) for n, name in enumerate(HOSTILE)]
    keyed = [case(f"case {name}", f"group {name}") for name in HOSTILE if len(name) < 1000]
    installation.night(ON, *named, *keyed)
    assert installation.night_status() == {ON: "SUCCESS"}
    assert set(installation.outcomes().values()) == {COMPLETE}
    assert len(installation.outcomes()) == len(named) + len(keyed)
    held = {row["surname"] for row in installation.query("select surname from held.csa_parties")}
    assert set(HOSTILE) <= held
    # And when such a number is where a part of the book begins or ends.
    for one in keyed:
        with database.transaction(installation.url) as connection:
            gather = Gather(connection, [one.row["casegroup_id"]])
            assert gather.cases().num_rows == gather.balances("csa_balances").num_rows == 1
            assert gather.routes().num_rows == 1, "its case was created"


def test_control_characters_are_removed_on_reading_and_have_no_other_effect(
    installation: Installation,
) -> None:
    """contract; a NUL would otherwise stop a text column of PostgreSQL."""
    installation.night(
        ON,
        case(
            "A\x00",
            "G\x071",
            receiver={"surname": "Wal\x00ker\x1b[31m"},
            receiver_cis={"surname": "Walker[31m"},
        ),
    )
    assert installation.outcomes() == {"G1": COMPLETE}
    assert installation.query("select csa_case_id, casegroup_id from held.csa_cases") == [
        {"csa_case_id": "A", "casegroup_id": "G1"}
    ]


def test_amounts_at_the_end_of_int64_are_an_exception_and_stop_nothing_else(
    installation: Installation,
) -> None:
    most = 2**63 - 1
    huge = {"rp_active": most, "gb_sos_active": -most, "ni_sos_active": -(2**63)}
    installation.night(ON, case("A", "G1", owes=huge, balance_row={"total_pence": 0}), case("B", "G2"))
    assert installation.outcomes()["G2"] == COMPLETE
    assert installation.outcomes()["G1"] == ("EXCEPTION", "balance_amount_implausible,balance_total_mismatch")
    assert installation.night_status() == {ON: "SUCCESS"}


def test_a_night_with_files_but_no_rows_and_one_without_files(installation: Installation) -> None:
    installation.night(ON)
    installation.landing.joinpath(NEXT.isoformat()).mkdir()
    (installation.landing / NEXT.isoformat() / "manifest.json").write_text(
        json.dumps({"business_date": NEXT.isoformat(), "extract_id": "none", "files": []})
    )
    installation.run(NEXT)
    assert installation.night_status() == {ON: "SUCCESS", NEXT: "SUCCESS"}


# --- mended: the exception closes and its casegroup goes on that same night (B49)


def test_B49_each_rule_that_a_later_extract_mends_closes_and_its_casegroup_goes_on(
    database_server: Any,
) -> None:
    """'A later extract or a resolution that mends it closes it, and its casegroup goes on that same night.'"""
    # CIS has rows by NINO: what was wrong there stays unless the same row is sent again, so those are sent right.
    unmended = {"case_key_missing", "cis_multiple_matches", "closure_failed"}
    rules = [rule for rule in BAD if rule not in (*NO_HOLD, *unmended)]
    with database_server.installation() as installed:
        installed.night(ON, *(case(rule, rule, **BAD[rule]) for rule in rules))
        assert len(installed.view("exceptions")) >= len(rules)
        right = [case(rule, rule, balance_row={"balance_id": f"again {rule}"}) for rule in rules]
        installed.night(NEXT, *right)
        assert installed.open_rules() == set()
        assert set(installed.outcomes().values()) == {COMPLETE}
        assert {row["resolved_on"] for row in installed.view("exceptions")} == {NEXT}
        assert {
            row["status"] for row in installed.view("work_items") if row["type"] == "MANUAL_HANDLING"
        } == {"CLOSED"}
        assert len(installed.dues()) == len(rules)


# --- R26, and what the store alone decides


def test_R26_a_sensitive_casegroup_is_absent_from_every_ordinary_view_and_total(
    installation: Installation,
) -> None:
    installation.night(
        ON,
        case("secret", "S", nationally_sensitive=True, balance_row={"total_pence": 1}, child=False),
        case("secret 2", "S", scheme="2012", nationally_sensitive=True),
        case("open", "O"),
        csa_closing_ledger=[
            {"csa_system": "CS2", "csa_case_id": "secret", "creditor": "RP", "arrears_status": "ACTIVE", "amount_pence": 1000,
             "written_off_pence": 0},
        ],
    )  # fmt: skip
    views = installation.everything()
    ordinary = {name: rows for name, rows in views.items() if name.startswith("reporting.")}
    assert not [
        name for name, rows in ordinary.items() if any("secret" in row or "'S'" in row for row in rows)
    ]
    (figures,) = installation.view("nights")
    assert (
        figures["casegroups_received"],
        figures["received_pence"],
        figures["held_pence"],
        figures["exceptions_opened"],
    ) == (1, 1000, 0, 0)
    (hidden,) = installation.view("nights", "sensitive")
    assert (hidden["casegroups_received"], hidden["received_pence"], hidden["held_pence"]) == (1, 2000, 2000)
    assert installation.outcomes("sensitive") == {"S": ("CLERICAL", "NATIONALLY_SENSITIVE")}
    judged = {row["rule_code"]: row["judged_rows"] for row in installation.view("rule_results")}
    assert judged["balance_total_mismatch"] == 1


def test_B54_reconciliation_names_each_break(installation: Installation) -> None:
    left = {"agrees": 1000, "less": 999, "nothing here": 500}
    ledger = [
        {"csa_system": "CS2", "csa_case_id": name, "creditor": "RP", "arrears_status": "ACTIVE", "amount_pence": pence,
         "written_off_pence": 0} for name, pence in left.items()
    ]  # fmt: skip
    installation.night(
        ON, case("agrees", "1"), case("less", "2"), case("only here", "3"), case("refused", "4", balance_row={"total_pence": 1}),
        case("credit", "5", owes={"rp_active": -10}), csa_closing_ledger=ledger,
    )  # fmt: skip
    rows = {row["csa_case_id"]: row for row in installation.view("reconciliation")}
    assert {name: row["break_type"] for name, row in rows.items()} == {
        "agrees": None,
        "less": "AMOUNT_DIFFERS",
        "nothing here": "MISSING_ON_CMS",
        "only here": "NOT_ON_CSA",
        "refused": "NOT_ON_CSA",
        "credit": "NOT_ON_CSA",
    }
    for row in rows.values():
        assert row["received_pence"] == row["posted_pence"] + row["held_pence"] + row["credit_pence"]


def test_B50_routes_as_the_store_finds_them(installation: Installation) -> None:
    """The lowest cms_case_id that has an owner; matched on eight characters; created here counts too, once it is there."""
    pair = {"receiving_parent_nino": "ZY999999A"}
    owned = case("A", "1", child=False, on_cms=pair | {"cms_case_id": "2", "case_owner": "second"})
    owned.register += [
        owned.register[0] | {"cms_case_id": "3", "case_owner": "third"},
        owned.register[0] | {"cms_case_id": "1", "case_owner": None},
    ]
    suffix = case(
        "B",
        "2",
        child=False,
        on_cms=pair | {"paying_parent_nino": nino_of("PP-2")[:8].lower() + " c", "case_owner": "any"},
    )
    here = [case("C", "3"), case("D", "3", child=False)]
    installation.night(ON, owned, suffix, *here)
    installation.night(NEXT, case("C", "3", balance_row={"total_pence": 1}))
    routes = {(row["rule_code"], row["csa_case_id"]): (row["route"], row["case_owner"]) for row in installation.view("exceptions")
              if row["severity"] == "HOLD"}  # fmt: skip
    assert routes == {
        ("child_missing", "A"): ("CASE_OWNER", "second"), ("child_missing", "B"): ("CASE_OWNER", "any"),
        ("child_missing", "D"): ("FT_TEAM", None), ("balance_total_mismatch", "C"): ("CASE_OWNER", None),
    }  # fmt: skip
