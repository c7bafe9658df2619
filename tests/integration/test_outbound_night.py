"""What a night sends out: to CSA, CIS, the warehouse and the legacy teams (B5, B15, B24, B37, R16, R26)."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from case_closure.desk import ltrs
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.night import run as night
from case_closure.outbound import folder
from tests.support.builders import BEFORE, ON, Row, case, nino_of
from tests.support.installation import Installation

FIRST, SECOND = BEFORE, ON
AT = datetime(2017, 8, 10, 9, tzinfo=UTC)


def out(installation: Installation, on: date) -> Path:
    return installation.folder / "outbound" / on.isoformat()


def rows(installation: Installation, on: date, name: str) -> list[dict[str, str]]:
    with (out(installation, on) / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# What a file's header line begins with; further columns may follow.
COLUMNS = {
    "end_liability": "csa_system csa_case_id casegroup_id tranche_id journey led",
    "ltr1": "ltr_id ltr_type csa_system casegroup_id csa_case_ids application_id t_date issued_by",
    "suppressed_letters": "csa_system letter_id code casegroup_id csa_case_id party_id recipient_role reason",
    "cis_interest_flags": "nino party_id casegroup_id",
}


def begins_with(installation: Installation, on: date, name: str, columns: str) -> bool:
    with (out(installation, on) / name).open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    return header[: len(COLUMNS[columns].split())] == COLUMNS[columns].split()


def everything_out(installation: Installation, on: date) -> dict[str, bytes]:
    root = out(installation, on)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def criteria(installation: Installation, **over: Any) -> None:
    line: Row = {
        "tranche_id": "T1", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2017-08-01",
        "reason": "first", "segments": [1, 2, 3, 4, 5], "csa_systems": ["CS2", "CSCS", "CCD"],
        "case_types": ["ONGOING", "ARREARS_ONLY"], "max_cases": None, "notice_days": 180, "reminder_days": None,
        "valid_from": None, "valid_to": None,
    }  # fmt: skip
    installation.landing.mkdir(exist_ok=True)
    (installation.landing / "criteria.json").write_text(json.dumps([line | over]))


def application(application_id: str, payer: str, received_on: date, **over: Any) -> Row:
    row: Row = {
        "application_id": application_id, "received_on": received_on, "eligible": True,
        "applicant_role": "RECEIVING_PARENT", "applicant_nino": nino_of("someone"), "named_paying_parent_nino": nino_of(payer),
        "partner_nino": None, "applicant_says_csa": None, "paying_parent_says_csa": None, "partner_says_csa": None,
        "gateway_reference": "GW1",
    }  # fmt: skip
    return row | over


def open_case(name: str, group: str = "G1", **over: Any) -> Any:
    given: dict[str, Any] = {"case_status": "OPEN", "closed_reason": None, "liability_end_date": None}
    return case(name, group, **(given | {"case_type": "ONGOING", "segment": 1, "owes": None} | over))


def test_B5_each_system_is_told_its_own_cases_and_the_warehouse_all(installation: Installation) -> None:
    """[45]: each case whose date was set that night."""
    criteria(installation)
    installation.night(
        FIRST, open_case("A"), open_case("B", csa_system="CSCS"), open_case("C", "G2", csa_system="CCD")
    )
    for system, numbers in (("CS2", ["A"]), ("CSCS", ["B"]), ("CCD", ["C"])):
        told = rows(installation, FIRST, f"end_liability_{system}.csv")
        led = (FIRST + timedelta(days=180)).isoformat()
        assert [list(row.values()) for row in told] == [
            [system, number, "G2" if number == "C" else "G1", "T1", "PROACTIVE", led, "SELECTED"]
            for number in numbers
        ]
        assert begins_with(installation, FIRST, f"end_liability_{system}.csv", "end_liability")
    assert begins_with(installation, FIRST, "end_liability_warehouse.csv", "end_liability")
    assert [row["csa_case_id"] for row in rows(installation, FIRST, "end_liability_warehouse.csv")] == [
        "C",
        "A",
        "B",
    ]
    installation.night(SECOND)
    assert rows(installation, SECOND, "end_liability_warehouse.csv") == []


def test_45_a_case_that_moves_and_keeps_its_date_is_told_to_nobody(installation: Installation) -> None:
    """What it joins takes its date, and that is told ([45])."""
    criteria(installation, segments=[1])
    installation.night(FIRST, open_case("A"), open_case("B", "G2", segment=5))
    installation.night(SECOND, open_case("A", "G2"))
    led = (FIRST + timedelta(days=180)).isoformat()
    stamped = {
        row["csa_case_id"]: (row["casegroup_id"], str(row["led"]))
        for row in installation.view("end_liability")
    }
    assert stamped == {"A": ("G2", led), "B": ("G2", led)}
    told = rows(installation, SECOND, "end_liability_warehouse.csv")
    assert [(row["csa_case_id"], row["led"]) for row in told] == [("B", led)]


def test_45_a_date_set_that_night_is_told_though_its_night_is_landed_again_with_the_case_elsewhere(
    installation: Installation,
) -> None:
    """[45]: the date stands, so CSA has to know of it."""
    installation.night(FIRST, open_case("A"), open_case("B", "G2", segment=5))
    criteria(installation, segments=[1])
    installation.land(SECOND, extract_id="DW-1")
    night.run_night(
        installation.context(SECOND), lambda *_: None, night.STAGES[: night.STAGES.index("take_applications")]
    )
    installation.land(SECOND, open_case("A", "G2"), extract_id="DW-2")
    installation.run(SECOND, "again")
    told = rows(installation, SECOND, "end_liability_warehouse.csv")
    assert [(row["csa_case_id"], row["casegroup_id"]) for row in told] == [("A", "G2"), ("B", "G2")]


def test_B24_an_ltr_for_each_system_that_holds_a_case_and_the_new_led_is_told(
    installation: Installation,
) -> None:
    criteria(installation, notice_days=100)
    cases = [open_case("A"), open_case("B", csa_system="CSCS"), open_case("C")]
    installation.night(FIRST, *cases)
    payer = cases[0].row["paying_parent_id"]
    installation.night(SECOND, cms_applications=[application("APP1", payer, FIRST)])
    t_date = (FIRST + timedelta(days=38)).isoformat()
    assert [list(row.values()) for system in ("CS2", "CSCS", "CCD")
            for row in rows(installation, SECOND, f"ltr1_{system}.csv")] == [
        ["LTR1-CS2-APP1", "LTR1", "CS2", "G1", "A C", "APP1", t_date, "system"],
        ["LTR1-CSCS-APP1", "LTR1", "CSCS", "G1", "B", "APP1", t_date, "system"],
    ]  # fmt: skip
    assert begins_with(installation, SECOND, "ltr1_CS2.csv", "ltr1")  # [46]
    # Their dates were changed that night [45].
    told = rows(installation, SECOND, "end_liability_warehouse.csv")
    assert {(row["csa_case_id"], row["led"], row["cause"]) for row in told} == {
        (name, t_date, "REACTIVE") for name in "ABC"
    }


def test_B26_an_ltr_by_hand_goes_out_with_the_next_night_and_once(installation: Installation) -> None:
    first = open_case("A")
    installation.night(
        FIRST, first, cms_applications=[application("APP1", first.row["paying_parent_id"], FIRST)]
    )

    def issue(ltr_type: str = "LTR2", system: str = "CS2", application_id: str = "APP1") -> str:
        return ltrs.issue(
            installation.url, ltr_type, system, application_id, by=whoever_has_the_shell("jo"), at=AT
        )

    assert issue() == "LTR2-CS2-APP1"
    for again, why in (
        ({}, r"LTR2-CS2-APP1 was issued already, by jo, and goes out with the next night"),
        ({"ltr_type": "LTR1"}, r"by system, and went out with the night of 2017-08-09"),
        ({"system": "CCD"}, r"CCD holds no case of casegroup G1; its cases are on CS2"),
        ({"application_id": "APP9"}, "There is no application APP9"),
    ):
        with pytest.raises(ltrs.LtrRefused, match=why):
            issue(**again)
    installation.night(SECOND)
    assert [row["ltr_id"] for row in rows(installation, SECOND, "ltr2_CS2.csv")] == ["LTR2-CS2-APP1"]
    assert rows(installation, FIRST, "ltr2_CS2.csv") == []
    (sent,) = [row for row in installation.view("ltrs") if row["ltr_type"] == "LTR2"]
    assert (sent["issued_by"], sent["business_date"]) == ("jo", SECOND)


def test_B15_R16_a_suppressed_letter_is_reported_once_to_the_system_of_its_case(
    installation: Installation,
) -> None:
    """[47]: the client's letter and not the 6314; one that goes once a casegroup to the system of its first case."""
    installation.night(
        FIRST,
        case("A", csa_system="CSCS"),
        case("B", payer={"dlo": True}, receiver={"date_of_death": FIRST, "representative_name": "Law & Co",
             "representative_address_line_1": "2 Low Street", "representative_postcode": "LS1 4AP"}, csa_system="CSCS"),
        case("Z", csa_system="CS2"),
    )  # fmt: skip
    assert [list(row.values()) for row in rows(installation, FIRST, "suppressed_letters_CSCS.csv")] == [
        ["CSCS", f"CMSL6302-G1-CSCS-B-RP-B-{FIRST}", "CMSL6302", "G1", "B", "RP-B", "RECEIVING_PARENT", "DECEASED"],
    ]  # fmt: skip
    (once,) = rows(installation, FIRST, "suppressed_letters_CS2.csv")
    assert (once["code"], once["csa_case_id"], once["reason"]) == ("CMSL6301", "", "DLO")
    held = [row for row in installation.view("letters") if row["status"] == "SUPPRESSED"]
    assert [row["code"] for row in held].count("CMSL6314") == 1
    assert rows(installation, FIRST, "suppressed_letters_CCD.csv") == []
    for system in ("CCD", "CS2", "CSCS"):
        assert begins_with(installation, FIRST, f"suppressed_letters_{system}.csv", "suppressed_letters")


def test_47_to_whom_a_suppressed_letter_was_reported_stays_so_when_its_night_is_run_again(
    installation: Installation,
) -> None:
    """R21, [47]: a case that came since would be the first of its casegroup."""
    installation.night(FIRST, case("B", payer={"dlo": True}, csa_system="CS2"))
    once = everything_out(installation, FIRST)
    assert [row["code"] for row in rows(installation, FIRST, "suppressed_letters_CS2.csv")] == ["CMSL6301"]
    installation.night(SECOND, case("A", csa_system="CCD", no_balance=True, payer={"dlo": True}))
    installation.run(FIRST, "again")
    assert everything_out(installation, FIRST) == once


def test_B37_B38_interest_flags_are_asked_of_cis_once(installation: Installation) -> None:
    """[48]: of each parent of a case created that night whom CIS knows without a flag."""
    cases = [
        case("A"),
        case("flagged", "G2", payer_cis={"interest_registered": True}),
        case("on CMS", "G3", on_cms={}),
        case("waits", "G4", case_status="OPEN"),
        case("unknown", "G5", not_in_cis=["payer"]),
    ]
    installation.night(FIRST, *cases)
    assert begins_with(installation, FIRST, "cis_interest_flags.csv", "cis_interest_flags")
    asked = {
        row["party_id"]: (row["nino"], row["casegroup_id"])
        for row in rows(installation, FIRST, "cis_interest_flags.csv")
    }
    assert asked == {
        "PP-G1": (nino_of("PP-G1"), "G1"), "RP-A": (nino_of("RP-A"), "G1"), "RP-flagged": (nino_of("RP-flagged"), "G2"),
    }  # fmt: skip
    # The same parent again, of a case that comes later: CIS was asked.
    installation.night(
        SECOND, case("later", "G6", paying_parent_id="PP-G6", receiving_parent_id="RP-A", receiver={})
    )
    assert [row["party_id"] for row in rows(installation, SECOND, "cis_interest_flags.csv")] == ["PP-G6"]


def test_R26_nationally_sensitive_casegroups_are_in_no_file(installation: Installation) -> None:
    secret = open_case("S", "G9", nationally_sensitive=True)
    installation.night(
        FIRST, secret, cms_applications=[application("APP1", secret.row["paying_parent_id"], FIRST)]
    )
    assert [row["decision"] for row in installation.view("applications", "sensitive")] == ["REACTIVE"]
    for name, content in everything_out(installation, FIRST).items():
        assert b"G9" not in content, name
        assert b"APP1" not in content, name


def test_a_rerun_writes_the_same_bytes_and_the_manifest_vouches_for_them(installation: Installation) -> None:
    criteria(installation)
    first = open_case("A")
    installation.night(FIRST, first, case("B", "G2"))
    once = everything_out(installation, FIRST)
    said = json.loads(once["manifest.json"])
    assert {entry["name"]: entry["sha256"] for entry in said["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in once.items() if name != "manifest.json"
    }
    installation.night(SECOND, cms_applications=[application("APP1", first.row["paying_parent_id"], FIRST)])
    installation.run(FIRST, "again")
    assert everything_out(installation, FIRST) == once


def test_nothing_goes_out_of_a_night_that_cannot_write_all_of_it_and_all_once_mended(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.land(FIRST, case("A"))

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(folder, "publish", disk_full)
        with pytest.raises(night.MachineFault, match="No space is left"):
            installation.run(FIRST)
    assert not out(installation, FIRST).exists()
    assert installation.night_status() == {FIRST: "FAILED"}
    assert (
        night.STAGES.index("check_money_law")
        < night.STAGES.index("write_out")
        < night.STAGES.index("close_night")
    )
    installation.run(FIRST, "again")
    assert {"manifest.json", "end_liability_warehouse.csv"} <= set(everything_out(installation, FIRST))
    assert installation.night_status() == {FIRST: "SUCCESS"}
