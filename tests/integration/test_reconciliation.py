"""The reconciliation (B54): every planted break found and named, the workbook, the command, the sign-off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from case_closure.desk import reconciliation as reconcile
from case_closure.desk.acting import NotAllowed
from case_closure.domain.money import pounds
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.domain.reconciliation import CAUSES
from case_closure.outbound import reconciliation as workbook
from case_closure.store import database, reconciliation
from tests.support.builders import LIMIT, ON, Case, balance, case, left
from tests.support.installation import Databases, Installation, known

pytestmark = pytest.mark.usefixtures("plain_letters")

NEXT = date(2017, 8, 11)
SIGNED = datetime(2017, 8, 12, 9, 30, tzinfo=UTC)
FIGURES = (
    "left_csa_pence",
    "written_off_pence",
    "received_pence",
    "posted_pence",
    "held_pence",
    "credit_pence",
)
Tables = dict[str, pa.Table]
Amounts = dict[str, int]
# What CSA says left, what was received, and what the break is called.
PLANTED: dict[str, tuple[Amounts, Amounts, str | None]] = {
    "agrees": ({"rp_active": 1000}, {"rp_active": 1000}, None),
    "a penny": ({"rp_active": 1000}, {"rp_active": 1001}, "PENNY"),
    "a missing case": ({"rp_active": 1000, "ni_sos_active": 5}, {}, "MISSING_CASE"),
    "an extra case": ({}, {"rp_active": 1000}, "EXTRA_CASE"),
    "swapped": (
        {"rp_active": 7, "gb_sos_active": 3},
        {"rp_active": 3, "gb_sos_active": 7},
        "SWAPPED_CREDITORS",
    ),
    "another creditor": ({"rp_active": 700}, {"gb_sos_active": 700}, "SWAPPED_CREDITORS"),
    "another status": ({"rp_active": 700}, {"rp_deferred": 700}, "SWAPPED_STATUSES"),
    "twice": ({"rp_active": 700}, {"rp_active": 1400}, "RECEIVED_TWICE"),
    "an amount missing": ({"rp_active": 700, "ni_sos_active": 5}, {"ni_sos_active": 5}, "MISSING_AMOUNT"),
    "an amount extra": ({"ni_sos_active": 5}, {"rp_active": 700, "ni_sos_active": 5}, "EXTRA_AMOUNT"),
    "another amount": ({"rp_active": 700}, {"rp_active": 950}, "OTHER_AMOUNT"),
}
_TYPES = {"MISSING_CASE": {"MISSING_ON_CMS"}, "EXTRA_CASE": {"NOT_ON_CSA"}, "MISSING_AMOUNT": {"MISSING_ON_CMS"},
          "EXTRA_AMOUNT": {"NOT_ON_CSA"}, "PENNY": {"AMOUNT_DIFFERS"}, "RECEIVED_TWICE": {"AMOUNT_DIFFERS"}}  # fmt: skip
SECRETS = {"secret", "refused", "77777", "55555"}


@pytest.fixture(scope="module")
def planted(database_server: Databases) -> Iterator[Installation]:
    """A night with each of them, a duplicate, a write-off after the balance, a credit, a held case, a case in two casegroups
    that was never held, and nationally sensitive ones."""
    cases: list[Case] = [
        case(name, f"G {name}", owes=received, no_balance=not received)
        for name, (_, received, _) in PLANTED.items()
    ]
    double = case("a duplicate", "G d", owes={"rp_active": 250, "gb_sos_active": 30})
    double.balances.append(double.balances[0] | {"balance_id": "again"})
    # Refused for its scheme, so that it is never held and each of its balances keeps its own casegroup.
    torn = case("torn", "T1", owes={"rp_active": 700}, scheme="2012")
    cases += [
        double, torn, case("written off", "G w", owes={"rp_active": 1000}), case("credit", "G c", owes={"rp_active": -10}),
        case("held", "G h", case_status="OPEN", csa_system="CCD"),
        case("secret", "S", nationally_sensitive=True, owes={"rp_active": 77_777}),
        case("refused", "R", nationally_sensitive=True, scheme="2012", no_balance=True),
    ]  # fmt: skip
    ledger = [row for name, (there, _, _) in PLANTED.items() for row in left(name, **dict[str, Any](there))] + [
        *left("a duplicate", rp_active=250, gb_sos_active=30), *left("written off", 400, rp_active=600),
        *left("credit", rp_active=-10), *left("held", csa_system="CCD", rp_active=1000), *left("torn", rp_active=1000),
        *left("secret", rp_active=77_776), *left("refused", rp_active=55_555),
    ]  # fmt: skip
    with database_server.installation() as made:
        clerical = balance("torn", "T2", {"rp_active": 300}, balance_id="C")
        made.night(ON, *cases, csa_closing_ledger=ledger, clerical_balances=[clerical])
        yield made


@pytest.fixture(scope="module")
def tables(planted: Installation) -> Tables:
    return known(planted, ON)


def test_B54_every_planted_break_is_found_and_named(planted: Installation, tables: Tables) -> None:
    """A penny, a missing case, an extra case, swapped creditors, a duplicate, and what else the figures can tell."""
    wanted = {
        (name, bucket, cause)
        for name, (there, here, cause) in PLANTED.items()
        for bucket in {*there, *here}
        if there.get(bucket) != here.get(bucket)
    } | {("a duplicate", "rp_active", "DUPLICATE"), ("a duplicate", "gb_sos_active", "DUPLICATE"),
         ("written off", "rp_active", "WRITE_OFF_INCLUDED")}  # fmt: skip
    assert {cause for _, _, cause in wanted} == set(CAUSES)
    for rows in (tables["breaks"].to_pylist(), planted.view("reconciliation_breaks")):
        found = {
            (row["csa_case_id"], f"{row['creditor']}_{row['arrears_status']}".lower(), row["cause"])
            for row in rows
        }
        assert found == wanted
        assert len(rows) == len(wanted)
        for row in rows:
            assert row["difference_pence"] == row["received_pence"] - row["left_csa_pence"] != 0
            assert row["break_type"] in _TYPES.get(row["cause"], {row["break_type"]})
    assert all(
        row["explanation"].endswith(CAUSES[row["cause"]].says)
        for row in planted.view("reconciliation_breaks")
    )


def test_B54_no_break_is_put_beside_every_other(planted: Installation) -> None:
    """Twenty thousand breaks took minutes when each looked through all of them for the one that it was swapped with."""
    made = (
        "(select 'CS2' as csa_system, 'C' || n as csa_case_id, 'RP' as creditor, 'ACTIVE' as arrears_status, 1::bigint as "
        "left_csa_pence, 2::bigint as received_pence, 0::bigint as written_off_pence, 'AMOUNT_DIFFERS' as break_type "
        "from generate_series(1, 20000) n)"
    )
    (plan,) = planted.query(f"explain (format json) {reconciliation.breaks(made, 'true')}")
    looked_through = [one for one in _steps(plan["QUERY PLAN"][0]["Plan"]) if one["Node Type"] == "CTE Scan"]
    assert looked_through
    assert {one["Parent Relationship"] for one in looked_through} <= {"Outer", "Inner"}, (
        "joined, and in no row's condition"
    )


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _steps(below)


def test_B54_the_reconstruction_of_the_latest_night_is_what_the_views_say(
    planted: Installation, tables: Tables
) -> None:
    columns = ("csa_system", "creditor", "arrears_status", "breaks", *FIGURES[:1], *FIGURES[2:])
    view = planted.query(
        "select csa_system, creditor, arrears_status, sum(left_csa_pence) as left_csa_pence, count(break_type) as breaks, "
        "sum(received_pence) as received_pence, sum(posted_pence) as posted_pence, sum(held_pence) as held_pence, "
        "sum(credit_pence) as credit_pence from reporting.reconciliation group by 1, 2, 3"
    )
    expected = {tuple(row[name] for name in columns) for row in view}
    for on in (ON, NEXT):
        assert {
            tuple(row[name] for name in columns) for row in known(planted, on)["buckets"].to_pylist()
        } == expected
    for name in FIGURES:
        of_view = sum(row[name] for row in planted.view("reconciliation_totals"))
        for grouped in ("buckets", "systems", "tranches", "nights"):
            assert sum(row[name] for row in tables[grouped].to_pylist()) == of_view


def test_a_case_in_both_balances_under_two_casegroups_has_one_row_for_each_bucket(
    planted: Installation,
) -> None:
    """'One row for each case and bucket': what left CSA is counted once, what was received is added up."""
    places = planted.query("select casegroup_id from closure.positions where csa_case_id = 'torn'")
    assert {row["casegroup_id"] for row in places} == {"T1", "T2"}
    (row,) = [row for row in planted.view("reconciliation") if row["csa_case_id"] == "torn"]
    assert (row["left_csa_pence"], row["received_pence"], row["held_pence"]) == (1000, 1000, 1000)
    assert row["break_type"] is None


def test_R26_nationally_sensitive_cases_are_reconciled_by_themselves(
    planted: Installation, tables: Tables, tmp_path: Path
) -> None:
    """Absent from the ordinary views, tables and workbook; also a line of the ledger whose case row was refused."""
    sensitive = known(planted, ON, sensitive=True)
    assert {(row["csa_case_id"], row["cause"]) for row in sensitive["breaks"].to_pylist()} == {
        ("secret", "PENNY"), ("refused", "MISSING_CASE"),
    }  # fmt: skip
    for view in ("reconciliation", "reconciliation_breaks"):
        assert {row["csa_case_id"] for row in planted.view(view, "sensitive")} == {"secret", "refused"}
        assert not {row["csa_case_id"] for row in planted.view(view)} & SECRETS
    workbook.write(tables, tmp_path, ON)
    shown = " ".join(
        str(cell.value)
        for sheet in openpyxl.load_workbook(tmp_path / workbook.NAME)
        for row in sheet
        for cell in row
    )
    assert not [secret for secret in SECRETS if secret in shown.split()]
    assert sum(row["received_pence"] for row in sensitive["buckets"].to_pylist()) == 77_777


# --- the workbook


def sheet_rows(folder: Path, name: str) -> list[list[Any]]:
    book = openpyxl.load_workbook(folder / workbook.NAME)
    return [[cell.value for cell in row] for row in book[name].iter_rows()]


def test_B54_the_workbook_ties_out_with_the_views_to_the_penny(
    planted: Installation, tables: Tables, tmp_path: Path
) -> None:
    (written,) = workbook.write(tables, tmp_path, ON)
    listed = planted.view("reconciliation_breaks")
    totals = planted.view("reconciliation_totals")
    view = {name: sum(row[name] for row in totals) for name in (*FIGURES, "breaks")}
    assert dict(written.control_totals) == {name: view[name] for name in FIGURES}
    assert written.rows == view["breaks"] == len(listed)
    book = openpyxl.load_workbook(tmp_path / workbook.NAME)
    assert book.sheetnames == ["summary", "breaks", "tie-out", "outstanding", "sign-off"]
    dues = planted.view("dues")
    posted, amount, allocated = (
        sum(row[name] for row in dues) for name in ("posted_pence", "amount_pence", "allocated_pence")
    )
    (owed,) = [row for row in sheet_rows(tmp_path, "outstanding") if row[0] == "All"]
    assert owed[8:13] == ["ties", posted, amount - posted, allocated, amount - allocated]
    assert len(book["summary"]._charts) == 1  # type: ignore[attr-defined]
    of_all = [row for row in sheet_rows(tmp_path, "summary") if row[0] == "All"]
    assert len(of_all) == 3
    for row in of_all:
        assert row[9:15] == [view[name] for name in FIGURES]
        assert [round(pounds * 100) for pounds in row[1:7]] == row[9:15]
        assert row[8] == view["breaks"]
    (whole,) = [row for row in sheet_rows(tmp_path, "tie-out") if row[0] == "All"]
    assert whole[13:19] == [view[name] for name in FIGURES]
    out = view["received_pence"] - view["left_csa_pence"]
    assert out != 0
    assert whole[9:13] == [f"OUT by {pounds(out)}", "ties", out, 0]
    names = {row["csa_case_id"] for row in listed}
    rows = [row for row in sheet_rows(tmp_path, "breaks") if row[3] in names]
    assert {(row[3], str(row[4]).split(":")[0], row[9], row[10], row[1]) for row in rows} == {
        (
            row["csa_case_id"],
            row["creditor"],
            row["left_csa_pence"],
            row["received_pence"],
            CAUSES[row["cause"]].name,
        )
        for row in listed
    }
    signed = {row[0]: row[2] for row in sheet_rows(tmp_path, "sign-off") if row[0]}
    assert signed["Left CSA"] == view["left_csa_pence"]
    assert {"Name", "Date", "Remarks"} <= set(signed)


def test_B54_the_money_bridge_leads_from_what_left_to_what_became_of_it(
    tables: Tables, tmp_path: Path
) -> None:
    (written,) = workbook.write(tables, tmp_path, ON)
    steps = ("Left CSA", "Received, not left", "Received", "Posted", "Held", "Credits")
    rows = {row[0]: row for row in sheet_rows(tmp_path, "summary") if row[0] in steps}
    amounts = {name: rows[name][9] for name in steps}
    assert amounts["Left CSA"] + amounts["Received, not left"] == amounts["Received"]
    assert amounts["Posted"] + amounts["Held"] + amounts["Credits"] == amounts["Received"]
    assert amounts["Held"] == written.control_totals["held_pence"]
    for row in rows.values():
        assert round(sum(row[11:14]), 2) == abs(row[1])
    assert round(rows["Credits"][10] * 100) == amounts["Received"]
    assert rows["Held"][10] == rows["Posted"][1]


def _with(table: pa.Table, name: str, change: Any) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(
        place, name, pa.array(map(change, table[name].to_pylist()), table.schema.types[place])
    )


def test_the_tie_out_says_where_it_does_not_tie(tables: Tables, tmp_path: Path) -> None:
    """A penny lost between received and posted; and breaks that cancel each other out are breaks all the same."""
    lost = tables | {"buckets": _with(tables["buckets"], "held_pence", lambda pence: pence + 1)}
    workbook.write(lost, tmp_path, ON)
    bucket, *_, whole = [row for row in sheet_rows(tmp_path, "tie-out") if str(row[10]).startswith("OUT")]
    assert (bucket[10], bucket[12], whole[0]) == ("OUT by -0.01", -1, "All")
    even = _with(tables["buckets"], "received_pence", lambda _: 0)
    workbook.write(tables | {"buckets": _with(even, "left_csa_pence", lambda _: 0)}, tmp_path, ON)
    (whole,) = [row for row in sheet_rows(tmp_path, "tie-out") if row[0] == "All"]
    assert (whole[9], whole[11]) == (f"ties, {tables['breaks'].num_rows} breaks", 0)


def test_no_cell_is_a_formula_and_amounts_beyond_a_double_are_text(tables: Tables, tmp_path: Path) -> None:
    """contract: 'No cell that opens as a formula in a spreadsheet.' A double holds whole pence below 2^53."""
    hostile = '=HYPERLINK("http://x","y")'
    huge = 2**53 + 1
    breaks = _with(
        _with(tables["breaks"], "csa_case_id", lambda _: hostile), "left_csa_pence", lambda _: huge
    )
    breaks = _with(breaks, "tranche_id", lambda _: "@SUM(1)" + "x" * 40_000)
    workbook.write(tables | {"breaks": breaks}, tmp_path, ON)
    book = openpyxl.load_workbook(tmp_path / workbook.NAME)
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert not [
        cell for cell in cells if cell.data_type == "f" or str(cell.value).startswith(("=", "@", "+"))
    ]
    values = {str(cell.value) for cell in cells}
    assert {f"'{hostile}", str(huge), "90,071,992,547,409.93"} <= values
    assert any(value.startswith("'@SUM(1)xxx") and value.endswith("[cut off here]") for value in values)


def test_the_same_workbook_has_the_same_bytes(tables: Tables, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        workbook.write(tables, tmp_path / name, ON)
        made.append((tmp_path / name / workbook.NAME).read_bytes())
    assert made[0] == made[1]


def test_before_the_first_night_there_is_nothing(planted: Installation, tmp_path: Path) -> None:
    before = date(2017, 8, 9)
    (written,) = workbook.write(known(planted, before), tmp_path, before)
    assert (written.rows, set(written.control_totals.values())) == (0, {0})
    assert "Nothing left CSA" in str(sheet_rows(tmp_path, "summary"))
    with pytest.raises(reconcile.NothingToReconcile, match="No night up to 2017-08-09 has been run"):
        reconcile.reconcile(planted.url, before, None, list[str]().append, implausible_pence=LIMIT)


# --- implausible amounts


def test_B54_an_implausible_amount_stands_apart_and_nothing_of_it_is_lost(
    database_server: Databases, tmp_path: Path
) -> None:
    """Received, left, or both and in agreement: in no headline, listed by itself, and in the sums that are put on record."""
    huge = LIMIT + 1
    with database_server.installation() as made:
        cases = [
            case("ordinary", "G1", owes={"rp_active": 700}), case("received", "G2", owes={"rp_active": huge, "ni_sos_active": 5}),
            case("left", "G3", owes={"rp_active": 1000}), case("agrees", "G4", owes={"gb_sos_deferred": 2 * huge}),
            case("at the limit", "G5", owes={"rp_active": LIMIT}),
        ]  # fmt: skip
        ledger = [
            *left("ordinary", rp_active=700), *left("received", rp_active=9, ni_sos_active=5), *left("left", rp_active=huge),
            *left("agrees", gb_sos_deferred=2 * huge), *left("at the limit", rp_active=LIMIT),
        ]  # fmt: skip
        made.night(ON, *cases, csa_closing_ledger=ledger)
        tables = known(made, ON)
        said: list[str] = []
        reconcile.reconcile(
            made.url,
            ON,
            None,
            said.append,
            implausible_pence=LIMIT,
            sign_off=reconcile.SignOff(whoever_has_the_shell("A"), SIGNED),
        )  # fmt: skip
        (signed,) = made.view("reconciliation_sign_offs")
        (view,) = made.query(
            "select sum(received_pence)::bigint as received_pence from reporting.reconciliation"
        )
        # Another limit tells others apart, and what was signed stays what was signed.
        with database.transaction(made.url) as connection:
            lower = reconciliation.reconstruct(connection, ON, implausible_pence=800)
    (written,) = workbook.write(tables, tmp_path, ON)
    assert written.control_totals["received_pence"] == view["received_pence"] == signed["received_pence"]
    assert (written.rows, signed["breaks"]) == (2, 2)
    assert reconciliation.breaks_sha256(lower["breaks"]) == signed["breaks_sha256"]
    assert lower["implausible"].num_rows == 4
    plausible = 700 + 5 + LIMIT
    of_all = [row for row in sheet_rows(tmp_path, "summary") if row[0] == "All"]
    assert {(row[9], row[11], row[7], row[8]) for row in of_all} == {(plausible, plausible, 3, 0)}
    rows = {
        row[0]: row for row in sheet_rows(tmp_path, "summary") + sheet_rows(tmp_path, "tie-out") if row[0]
    }
    assert rows["Implausible amounts"][11] == huge + 1000 + 2 * huge
    assert rows["Both together"][15] == view["received_pence"]
    assert rows["Received"][9] == plausible  # of the bridge
    (said_apart,) = [row[0] for row in sheet_rows(tmp_path, "summary") if str(row[0]).startswith("Apart")]
    assert "3 amounts beyond +/- 1,000,000.00 GBP" in said_apart
    assert "Each is on the sheet 'implausible'." in said_apart
    listed = {
        row[1]: row for row in sheet_rows(tmp_path, "implausible") if row[1] in ("received", "left", "agrees")
    }
    assert {name: (row[10], row[12], row[14]) for name, row in listed.items()} == {
        "received": ("AMOUNT_DIFFERS: both, in different amounts", 9, huge),
        "left": ("AMOUNT_DIFFERS: both, in different amounts", huge, 1000),
        "agrees": ("none: it agrees", 2 * huge, 2 * huge),
    }
    assert "2 breaks of an implausible amount stand apart" in str(sheet_rows(tmp_path, "breaks"))
    assert any(line.split() == ["received", pounds(plausible), "GBP"] for line in said)
    assert sum(line.endswith("(implausible)") for line in said) == len(tables["break_types"])


# --- the command, and the sign-off


def test_B54_the_command_says_what_it_came_to_and_writes_the_workbook(
    planted: Installation, tmp_path: Path
) -> None:
    said: list[str] = []
    out = tmp_path / "deep" / "book.xlsx"
    assert reconcile.reconcile(planted.url, NEXT, out, said.append, implausible_pence=LIMIT) == 0
    assert said[0] == "Reconciliation as at the end of the night of 2017-08-11 (latest night run: 2017-08-10)"
    assert any(line.split()[:4] == ["AMOUNT_DIFFERS", "SWAPPED_CREDITORS", "2", "breaks"] for line in said)
    assert openpyxl.load_workbook(out).sheetnames[0] == "summary"
    assert [path.name for path in out.parent.iterdir()] == ["book.xlsx"]


def test_B54_breaks_are_signed_off_with_the_figures_that_were_seen(
    planted: Installation, tables: Tables
) -> None:
    """Signing again adds a sign-off; another list of breaks has another hash. Those of sensitive casegroups are apart."""
    signer = reconcile.SignOff(whoever_has_the_shell(" A. Auditor "), SIGNED, "Looked into all of them.")
    for _ in range(2):
        reconcile.reconcile(
            planted.url, ON, None, list[str]().append, implausible_pence=LIMIT, sign_off=signer
        )
    first, again = sorted(planted.view("reconciliation_sign_offs"), key=lambda row: row["sign_off_number"])
    assert again == first | {"sign_off_number": 2}
    assert (first["business_date"], first["signed_by"], first["signed_at"]) == (ON, "A. Auditor", SIGNED)
    assert first["breaks"] == tables["breaks"].num_rows
    assert first["breaks_sha256"] == reconciliation.breaks_sha256(tables["breaks"])
    assert first["breaks_sha256"] != reconciliation.breaks_sha256(tables["breaks"].slice(1))
    for name in FIGURES:
        assert first[name] == sum(row[name] for row in tables["buckets"].to_pylist())
    assert planted.view("reconciliation_sign_offs", "sensitive") == []


def test_a_sign_off_needs_a_name_and_the_whole_list(
    planted: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = planted.view("reconciliation_sign_offs")
    with pytest.raises(NotAllowed, match="Say who does it"):
        reconcile.reconcile(
            planted.url,
            ON,
            None,
            list[str]().append,
            implausible_pence=LIMIT,
            sign_off=reconcile.SignOff(whoever_has_the_shell("  "), SIGNED),
        )
    monkeypatch.setattr(reconciliation, "MOST_BREAKS", 2)
    with pytest.raises(reconciliation.SignOffRefused, match="only 2 fit into the list"):
        reconcile.reconcile(
            planted.url,
            ON,
            None,
            list[str]().append,
            implausible_pence=LIMIT,
            sign_off=reconcile.SignOff(whoever_has_the_shell("A"), SIGNED),
        )
    assert planted.view("reconciliation_sign_offs") == before
    # What is listed then are those that differ most.
    assert {row["difference_pence"] for row in known(planted, ON)["breaks"].to_pylist()} == {-1000, 1000}
