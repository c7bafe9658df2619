"""A night's letters from the store to the page: whose data is in them, what is kept, and those asked for by hand."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Connection

from case_closure.desk import letters as letters_by_hand
from case_closure.domain import letters as codes
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.night import lettering
from case_closure.outbound.letters.contents import LetterIncomplete
from case_closure.outbound.letters.typesetting import Typesetter
from case_closure.store import database
from case_closure.store.schema.views import SCHEMAS, VIEWS
from tests.support import pdf
from tests.support.builders import case
from tests.support.installation import Databases, Installation

FIRST, SECOND, THIRD = date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14)
NOON = datetime(2017, 8, 11, 12, tzinfo=UTC)
ANNA = {"forenames": "Anna", "surname": "Alpha", "address_line_1": "1 Alpha Street"}
BELA = {"forenames": "Bela", "surname": "Beta", "address_line_1": "2 Beta Street"}
AGENT = {
    "representative_name": "Agent and Sons",
    "representative_address_line_1": "9 Low Road",
    "representative_postcode": "LS1 4AP",
}
PAYER = {"forenames": "Pat", "surname": "Payer", "address_line_1": "3 Payer Street"}


@pytest.fixture(scope="module")
def night_before(database_server: Databases) -> Iterator[Installation]:
    """After one night that has written nothing out yet: two cases in one casegroup, a representative, letters that are
    held, a write-off that is asked for."""
    with database_server.installation() as made:
        made.land(
            FIRST,
            case("A", "G1", owes={"rp_active": 111111, "gb_sos_deferred": 222}, payer=PAYER, receiver=ANNA),
            case("B", "G1", owes={"rp_suspended": 333333}, receiver=BELA),
            case("C", "G3", receiver={"surname": "Gamma", **AGENT}),
            case("D", "G4", payer={"dlo": True}),
            case("E", "G5", rp_arrears_decision="WRITE_OFF", owes={"rp_active": 5000, "ni_sos_active": 70}, receiver=ANNA),
            case("S", "G6", nationally_sensitive=True),
        )  # fmt: skip
        made.run(FIRST, without="write_out")
        yield made


@dataclass
class Store:
    """The store after that night, for one test: everything happens in one transaction, which is rolled back."""

    connection: Connection
    url: str = "of no database: every transaction is this one's"

    def execute(self, statements: str) -> None:
        for statement in statements.split(";"):
            assert self.connection.exec_driver_sql(statement).rowcount > 0, (
                f"nothing was touched by {statement}"
            )

    def query(self, query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.connection.exec_driver_sql(query).mappings()]

    def add(self, table: str, **row: Any) -> None:
        places = ", ".join(["%s"] * len(row))
        self.connection.exec_driver_sql(
            f"insert into {table} ({', '.join(row)}) values ({places})",  # noqa: S608
            tuple(row.values()),
        )

    def due_letter(self, code: str, case_id: str | None, casegroup: str = "G1") -> str:
        """A letter of the first night to that case's receiving parent, or to the paying parent; its letter_id."""
        role, party = (
            ("RECEIVING_PARENT", f"RP-{case_id}") if case_id else ("PAYING_PARENT", f"PP-{casegroup}")
        )
        letter_id = f"{code}-{casegroup}-{'CS2' if case_id else ''}-{case_id or ''}-{party}-{FIRST}"
        self.add(
            "closure.letters", letter_id=letter_id, business_date=FIRST, code=code, recipient_role=role, party_id=party,
            casegroup_id=casegroup, csa_system="CS2" if case_id else None, csa_case_id=case_id, status="ISSUED",
        )  # fmt: skip
        return letter_id

    def everything(self) -> dict[str, list[str]]:
        """Every row of every view but letters, and who asked for them."""
        names = [
            f"{schema}.{view.name}"
            for schema in SCHEMAS
            for view in VIEWS
            if view.name not in ("letters", "acts")
        ]
        return {name: sorted(map(str, self.query(f"select * from {name}"))) for name in names}  # noqa: S608


@pytest.fixture
def store(night_before: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with database.engine(night_before.url).connect() as connection:

        @contextlib.contextmanager
        def within(_: str) -> Iterator[Connection]:
            with connection.begin_nested():
                yield connection
            # What is dropped on commit goes with the next transaction; here there is none.
            connection.exec_driver_sql("drop table if exists pg_temp.writing, pg_temp.judged")

        whole = connection.begin()
        monkeypatch.setattr(database, "transaction", within)
        try:
            yield Store(connection)
        finally:
            whole.rollback()


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter()


@dataclass
class Night:
    """Making the letters of a night, and reading them from the page."""

    store: Store
    typesetter: Typesetter

    def prepared(self, on: date, *, rerun: bool = False) -> dict[str, int]:
        return lettering.prepare(self.store.url, on, by_hand=not rerun, workers=1, holding=lambda _: None)

    def documents(self, on: date) -> list[bytes]:
        with database.transaction(self.store.url) as connection:
            parts = list(lettering.parts(connection, on))
        return [self.typesetter.pdf(part["content"].to_pylist(), on)[0] for part in parts]

    def made(self, on: date = FIRST) -> dict[str, str]:
        """The words of each letter, its pages joined by ' | '."""
        self.prepared(on)
        with database.transaction(self.store.url) as connection:
            parts = list(lettering.parts(connection, on))
        found = {}
        for part in parts:
            document, places = self.typesetter.pdf(part["content"].to_pylist(), on)
            words = pdf.pages(document)
            for letter_id, first, count in zip(
                part["letter_id"].to_pylist(), places.first, places.count, strict=True
            ):
                found[letter_id] = " | ".join(words[first - 1 :][:count])
        return found


@pytest.fixture
def night(store: Store, typesetter: Typesetter) -> Night:
    return Night(store, typesetter)


def row_of(store: Store, letter_id: str) -> dict[str, Any]:
    (row,) = store.query(f"select * from reporting.letters where letter_id = '{letter_id}'")  # noqa: S608
    return row


TO_ANNA = "CMSL6302-G1-CS2-A-RP-A-2017-08-10"
TO_BELA = "CMSL6302-G1-CS2-B-RP-B-2017-08-10"
TO_PAYER = "CMSL6301-G1---PP-G1-2017-08-10"


# --- whose data


def test_R15_no_receiving_parent_reads_anything_of_another(store: Store, night: Night) -> None:
    letters = night.made()
    own = {
        TO_ANNA: ["Anna", "Alpha", "CS2 A", "1,111.11", "2.22", "1,113.33"],
        TO_BELA: ["Bela", "Beta", "CS2 B", "3,333.33"],
    }
    for letter_id, values in own.items():
        for value in values:
            assert value in letters[letter_id], value
        for other in own:
            for value in own[other] if other != letter_id else ():
                assert value not in letters[letter_id], value
        assert "4,446.66" not in letters[letter_id]  # what the paying parent owes in all
        assert "Payer" not in letters[letter_id]


def test_B18_the_paying_parent_reads_each_case_and_no_receiving_parents_name(
    store: Store, night: Night
) -> None:
    page = night.made()[TO_PAYER]
    assert "Pat Payer 3 Payer Street" in page
    assert "You owe £4,446.66 in total." in page
    assert "Case CS2 A" in page
    assert "Total for this case £1,113.33" in page
    assert "Case CS2 B" in page
    assert "Total for this case £3,333.33" in page
    for name in ("Anna", "Alpha", "Bela", "Beta"):
        assert name not in page


def test_B13_B15_only_what_is_issued_is_written(store: Store, night: Night) -> None:
    """A letter suppressed or without an address is a row, not a page; each page has its row."""
    letters = night.made()
    issued = {
        row["letter_id"]
        for row in store.query("select * from reporting.letters")
        if row["status"] == "ISSUED"
    }
    assert set(letters) == issued
    assert [
        row["reason"]
        for row in store.query("select * from reporting.letters")
        if row["status"] == "SUPPRESSED"
    ] == ["DLO"]
    assert "CMSL6302-G4-CS2-D-RP-D-2017-08-10" in letters


def test_B14_the_representative_gets_the_clients_letter_as_a_copy(store: Store, night: Night) -> None:
    letters = night.made()
    cover, copy = letters["CMSL6314-G3-CS2-C-RP-C-2017-08-10"].split(" | ")
    assert "Agent and Sons 9 Low Road" in cover
    assert "You act for Ms Alex Gamma." in cover
    original = letters["CMSL6302-G3-CS2-C-RP-C-2017-08-10"]
    assert copy.replace("Child Maintenance Service Copy", "Child Maintenance Service") == original


def test_letters_say_the_same_prepared_part_by_part_and_at_once(
    store: Store, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = night.made()
    store.execute("delete from closure.letter_contents")
    monkeypatch.setattr(lettering, "_AT_A_TIME", 2)
    assert night.prepared(FIRST)["letters_prepared"] == len(at_once) > 4
    assert night.made() == at_once


def test_R26_nothing_of_a_sensitive_casegroup_is_written_or_kept(store: Store, night: Night) -> None:
    """Also when its casegroup becomes it after the letter was prepared."""
    due = store.due_letter("CMSL6308", "S", "G6")
    assert due not in night.made()
    assert due not in [
        row["letter_id"] for row in store.query("select letter_id from closure.letter_contents")
    ]
    store.execute("insert into closure.sensitive_casegroups values ('G1', '2017-08-10')")
    letters = night.made()
    assert letters
    assert not [letter_id for letter_id in letters if "-G1-" in letter_id]


def test_B49_a_name_that_was_mended_is_the_one_in_the_letter(store: Store, night: Night) -> None:
    for entity, party in (("PAYING_PARENT", "Payer"), ("RECEIVING_PARENT", "Beta")):
        store.add(
            "held.resolutions", business_date=FIRST, changed_on=FIRST, resolution_id=entity, csa_system="CS2", csa_case_id="B",
            entity=entity, field="surname", old_value=party, new_value=f"New{party}", entered_on=FIRST,
        )  # fmt: skip
    letters = night.made()
    assert "Dear Ms NewPayer" in letters[TO_PAYER]
    assert "Dear Ms NewBeta" in letters[TO_BELA]
    assert "Dear Ms Alpha" in letters[TO_ANNA]


# --- the same again


def test_a_rerun_writes_the_same_bytes_whatever_came_in_since(store: Store, night: Night) -> None:
    """'A rerun writes the same bytes': what a letter said is kept, not read again."""
    night.prepared(FIRST)
    first = night.documents(FIRST)
    store.execute("update held.csa_parties set surname = 'Changed', address_line_1 = 'Moved'")
    assert night.prepared(FIRST, rerun=True) == {"letters_by_hand": 0, "letters_prepared": 0}
    assert night.documents(FIRST) == first


def test_letters_are_handed_on_in_parts_in_the_order_of_code_and_number(store: Store, night: Night) -> None:
    night.prepared(FIRST)
    with database.transaction(store.url) as connection:
        whole = [part["letter_id"].to_pylist() for part in lettering.parts(connection, FIRST)]
        small = [part["letter_id"].to_pylist() for part in lettering.parts(connection, FIRST, 2)]
    assert [len(part) for part in small[:-1]] == [2] * (len(small) - 1)
    assert list(chain(*small)) == whole[0] == sorted(whole[0])


# --- closure


def test_a_letter_of_closure_gives_the_date_that_was_told_by_its_night(store: Store, night: Night) -> None:
    """A date told later (B23) changes no letter written before; the paying parent's letter names every ongoing case."""
    for case_id in "AB":
        store.add(
            "closure.end_liability", csa_system="CS2", csa_case_id=case_id, casegroup_id="G1", journey="PROACTIVE",
            selected_on=FIRST, led=date(2017, 12, 1),
        )  # fmt: skip
    for told_on, led in (
        (date(2017, 8, 1), date(2018, 2, 1)),
        (FIRST, date(2018, 3, 1)),
        (SECOND, date(2017, 12, 1)),
    ):
        store.add(
            "closure.end_liability_notices", business_date=told_on, csa_system="CS2", csa_case_id="A", casegroup_id="G1",
            journey="PROACTIVE", led=led, cause="MOVED",
        )  # fmt: skip
    to_anna, to_payer = store.due_letter("CMSL6308", "A"), store.due_letter("CMSL6305", None)
    to_bela = store.due_letter("CMSL6312", "B")
    letters = night.made()
    assert "will end on 1 March 2018." in letters[to_anna]
    assert "CS2 B" not in letters[to_anna]
    assert "Urgent: Your child maintenance arrangement will now end on 1 March 2018" in letters[to_payer]
    assert "CS2 A, CS2 B" in letters[to_payer]
    assert "ended on 31 July 2017." in letters[to_bela]  # the day CSA says it ended


# --- by hand


def asked(store: Store, **over: Any) -> str:
    request: dict[str, Any] = {
        "casegroup_id": "G5", "csa_system": "CS2", "csa_case_id": "E", "from_on": date(2009, 1, 1), "to_on": date(2012, 3, 31),
        "user": "worker-1", "at": NOON,
    } | over  # fmt: skip
    by = whoever_has_the_shell(request.pop("user"))
    return letters_by_hand.confirm_write_off(store.url, by=by, **request)


WRITE_OFF = "CMSL6300-G5-CS2-E-RP-E-2017-08-11"


def test_B17_B45_6300_goes_with_the_next_night_and_gives_the_caseworkers_dates(
    store: Store, night: Night
) -> None:
    assert (
        asked(store) == "CMSL6300 for case E of CS2, 2009-01-01 to 2012-03-31, goes out with the next night."
    )
    page = night.made(SECOND)[WRITE_OFF]
    assert "for the time from 1 January 2009 to 31 March 2012." in page
    assert "Total owed to you £50.00 You asked us to write off £50.00" in page
    assert "0.70" not in page  # what is owed to government is not theirs to write off
    row = row_of(store, WRITE_OFF)
    assert (row["status"], row["recipient_role"], row["total_pence"], row["business_date"]) == (
        "ISSUED",
        "RECEIVING_PARENT",
        5000,
        SECOND,
    )
    # [29]: the dates are said of the CMSL6300 alone.
    dates = store.query(
        "select code, from_on, to_on from reporting.letters where from_on is not null or to_on is not null"
    )
    assert dates == [{"code": "CMSL6300", "from_on": date(2009, 1, 1), "to_on": date(2012, 3, 31)}]
    assert night.prepared(SECOND) == {"letters_by_hand": 0, "letters_prepared": 0}
    assert night.prepared(THIRD) == {"letters_by_hand": 0, "letters_prepared": 0}


def test_B68_6300_asks_to_write_off_what_is_left_when_what_was_paid_and_what_is_kept_are_taken_off(
    store: Store, night: Night
) -> None:
    store.execute(
        "update held.csa_cases set rp_arrears_decision = 'PART_WRITE_OFF', rp_keep_pence = 1500 where csa_case_id = 'E'"
    )
    (owed,) = store.query("select due_id from closure.dues where csa_case_id = 'E' and creditor = 'RP'")
    store.add(
        "closure.ledger", entry_id="paid", business_date=FIRST, due_id=owed["due_id"], kind="ALLOCATION", amount_pence=-499,
    )  # fmt: skip
    asked(store)
    page = night.made(SECOND)[WRITE_OFF]
    assert (
        "Total owed to you £50.00 Paid since £4.99 You want us to go on collecting £15.00 You asked us to write off £30.01"
        in page
    )
    assert row_of(store, WRITE_OFF)["total_pence"] == 5000


def test_29_the_total_is_what_is_owed_to_the_receiving_parent_of_that_case_by_now_collectable_or_not(
    store: Store, night: Night
) -> None:
    """As corrected; of another case of the casegroup nothing."""
    for other in (
        {"due_id": "CS2-E-RP-SUSPENDED", "arrears_status": "SUSPENDED", "posted_pence": 700},
        {"due_id": "CS2-F-RP-ACTIVE", "csa_case_id": "F"},
    ):
        store.execute(
            f"insert into closure.dues select (jsonb_populate_record(d, '{json.dumps(other)}')).* "  # noqa: S608
            "from closure.dues d where d.due_id = 'CS2-E-RP-ACTIVE'"
        )
    store.add(
        "closure.ledger", entry_id="less", business_date=FIRST, due_id="CS2-E-RP-ACTIVE", kind="CORRECTION", amount_pence=-1000,
        reason="ERROR", reference="C1",
    )  # fmt: skip
    asked(store)
    night.made(SECOND)
    assert row_of(store, WRITE_OFF)["total_pence"] == 5000 + 700 - 1000


def test_B17_one_day_is_a_period_and_a_rerun_of_a_night_that_succeeded_takes_no_new_request(
    store: Store,
    night: Night,
) -> None:
    asked(store, from_on=date(2012, 3, 31))
    assert night.prepared(FIRST, rerun=True)["letters_by_hand"] == 0
    assert night.prepared(SECOND)["letters_by_hand"] == 1


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"from_on": date(2012, 4, 1)}, "'from' must not be after 'to': found 2012-04-01 and 2012-03-31"),
        (
            {"csa_case_id": "A", "casegroup_id": "G1"},
            "no open CONFIRM_WRITE_OFF item for case A of CS2 in casegroup G1",
        ),
        ({"casegroup_id": "G1"}, "no open CONFIRM_WRITE_OFF item"),
        ({"user": "  "}, "Say who asks"),
    ],
)
def test_B17_6300_is_refused_in_words_and_changes_nothing(
    store: Store, night: Night, over: dict[str, Any], says: str
) -> None:
    with pytest.raises(letters_by_hand.LetterNotAsked, match=says) as refused:
        asked(store, **over)
    assert "Nothing was changed" in str(refused.value)
    assert store.query("select * from closure.letters_by_hand") == []


def test_B17_6300_is_refused_when_the_item_is_closed_the_casegroup_sensitive_or_it_was_asked_for(
    store: Store,
    night: Night,
) -> None:
    asked(store)
    with pytest.raises(letters_by_hand.LetterNotAsked, match="asked for by worker-1 on 2017-08-11"):
        asked(store, user="worker-2")
    night.prepared(SECOND)
    with pytest.raises(
        letters_by_hand.LetterNotAsked, match=f"asked for already and went out as {WRITE_OFF}"
    ):
        asked(store, from_on=date(2008, 1, 1))
    store.execute("update closure.letters set status = 'NOT_ISSUED', reason = 'DLO' where code = 'CMSL6300'")
    assert "goes out with the next night" in asked(store, at=NOON.replace(hour=13))
    store.execute("update closure.work_items set status = 'CLOSED' where type = 'CONFIRM_WRITE_OFF'")
    with pytest.raises(letters_by_hand.LetterNotAsked, match="no open CONFIRM_WRITE_OFF item"):
        asked(store)
    store.execute(
        "update closure.work_items set status = 'OPEN'; insert into closure.sensitive_casegroups values ('G5', '2017-08-10')"
    )
    with pytest.raises(letters_by_hand.LetterNotAsked, match="no open CONFIRM_WRITE_OFF item"):
        asked(store)


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ("update held.cis_persons set date_of_death = '2017-08-01'", "SUPPRESSED", "DECEASED"),
        ("update held.csa_parties set date_of_death = '2017-08-01'", "SUPPRESSED", "DECEASED"),
        ("update held.csa_parties set dlo = true", "SUPPRESSED", "DLO"),
        ("update held.csa_parties set address_line_1 = ' '", "NOT_ISSUED", "NO_VALID_ADDRESS"),
    ],
)
def test_B13_B15_R16_a_letter_by_hand_is_held_for_the_same_reasons(
    store: Store, night: Night, change: str, status: str, reason: str
) -> None:
    asked(store)
    store.execute(change)
    assert night.made(SECOND) == {}
    row = row_of(store, WRITE_OFF)
    assert (row["status"], row["reason"]) == (status, reason)


def again(store: Store, letter_id: str, user: str = "worker-1", at: datetime = NOON) -> str:
    return letters_by_hand.reissue(store.url, letter_id, by=whoever_has_the_shell(user), at=at)


def test_a_letter_sent_again_says_what_it_said_then_and_changes_no_state(store: Store, night: Night) -> None:
    """CMSL6313: 'reissue of a letter or leaflet; no change of state'."""
    first = night.made()[TO_ANNA]
    before = store.everything()
    store.execute(
        "update held.csa_parties set surname = 'Omega', address_line_1 = '7 Omega Street' where party_id = 'RP-A'"
    )
    assert again(store, TO_ANNA) == f"Letter {TO_ANNA} goes out again with the next night."
    (letter_id,) = letters = night.made(SECOND)
    assert letter_id == "CMSL6313-G1-CS2-A-RP-A-2017-08-11"
    cover, copy = letters[letter_id].split(" | ")
    assert "Anna Omega 7 Omega Street" in cover
    assert "the letter that is dated 10 August 2017" in cover
    assert copy.replace("Child Maintenance Service Copy", "Child Maintenance Service") == first
    assert row_of(store, letter_id)["covers_letter_id"] == TO_ANNA
    assert store.everything() == before


def test_a_letter_sent_again_to_a_client_with_a_representative_goes_to_both(
    store: Store, night: Night
) -> None:
    night.made()
    again(store, "CMSL6302-G3-CS2-C-RP-C-2017-08-10")
    letters = night.made(SECOND)
    assert sorted(letters) == ["CMSL6313-G3-CS2-C-RP-C-2017-08-11", "CMSL6314-G3-CS2-C-RP-C-2017-08-11"]
    assert (
        len(letters["CMSL6314-G3-CS2-C-RP-C-2017-08-11"].split(" | ")) == 3
    )  # covering letter, the cover sent again, its copy


def test_a_covering_letter_sent_again_goes_to_the_representative_alone(store: Store, night: Night) -> None:
    """CMSL6314: 'also reissue'."""
    first = night.made()["CMSL6314-G3-CS2-C-RP-C-2017-08-10"]
    again(store, "CMSL6314-G3-CS2-C-RP-C-2017-08-10")
    letters = night.made(SECOND)
    assert list(letters) == ["CMSL6314-G3-CS2-C-RP-C-2017-08-11"]
    (now,) = letters.values()
    assert now.split(" | ")[1] == first.split(" | ")[1]
    assert (
        row_of(store, "CMSL6314-G3-CS2-C-RP-C-2017-08-11")["covers_letter_id"]
        == "CMSL6302-G3-CS2-C-RP-C-2017-08-10"
    )


def test_a_cover_sent_again_is_the_letter_under_it_sent_again(store: Store, night: Night) -> None:
    night.made()
    again(store, TO_ANNA)
    night.made(SECOND)
    assert (
        again(store, "CMSL6313-G1-CS2-A-RP-A-2017-08-11", at=NOON + timedelta(days=1))
        == f"Letter {TO_ANNA} goes out again with the next night."
    )


def test_two_letters_of_one_number_go_on_two_nights(store: Store, night: Night) -> None:
    """At most one letter of a code for a party, casegroup and night: the second waits, and is not lost."""
    night.prepared(FIRST)
    asked(store)
    night.prepared(SECOND)
    again(store, "CMSL6302-G5-CS2-E-RP-E-2017-08-10")
    again(store, WRITE_OFF)
    assert night.prepared(THIRD)["letters_by_hand"] == 1
    assert night.prepared(date(2017, 8, 15))["letters_by_hand"] == 1


@pytest.mark.parametrize(
    ("letter_id", "says"),
    [
        ("CMSL6301-G9---X-2017-08-10", "There is no letter"),
        ("CMSL6301-G4---PP-G4-2017-08-10", r"was never written \(SUPPRESSED DLO\)"),
    ],
)
def test_what_was_never_written_cannot_be_sent_again(
    store: Store, night: Night, letter_id: str, says: str
) -> None:
    night.prepared(FIRST)
    with pytest.raises(letters_by_hand.LetterNotAsked, match=says):
        again(store, letter_id)


# --- the letter a client speaks of


def test_a_letter_is_found_by_the_reference_printed_on_it(store: Store, night: Night) -> None:
    """However it was read out, whatever its date; what is printed is what is asked for."""
    reference = codes.reference(TO_ANNA)
    assert reference in night.made()[TO_ANNA]
    for quoted in (reference, reference.lower(), f" {reference[:4]} {reference[4:]}"):
        for on in (None, FIRST):
            lines = letters_by_hand.find(store.url, quoted, on)
            assert [line.split(maxsplit=2 if line.startswith("business") else 1)[-1] for line in lines] == [
                TO_ANNA, f"CMSL6302: {codes.TITLES['CMSL6302']}", "ISSUED", "2017-08-10", "G1",
            ]  # fmt: skip
    with pytest.raises(
        letters_by_hand.LetterNotFound, match=f"no letter of 2017-08-11 with the reference {reference}"
    ):
        letters_by_hand.find(store.url, reference, SECOND)


def test_R26_a_letter_of_a_sensitive_casegroup_is_as_one_that_is_not(store: Store) -> None:
    reference = codes.reference(TO_ANNA)
    assert letters_by_hand.find(store.url, reference)
    store.execute("insert into closure.sensitive_casegroups values ('G1', '2017-08-10')")
    said = []
    for quoted in (reference, codes.reference("CMSL6301-nobody")):
        with pytest.raises(letters_by_hand.LetterNotFound) as unknown:
            letters_by_hand.find(store.url, quoted)
        said.append(str(unknown.value).replace(quoted, "..."))
    assert said[0] == said[1]
    assert "sensitive casegroups are not written" in said[0]


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: text[::-1], lambda _: "\u202e" * 11, lambda _: ""]
)
def test_a_slip_in_a_reference_is_told_from_a_letter_that_is_not_there(
    store: Store, change: Callable[[str], str]
) -> None:
    with pytest.raises(letters_by_hand.LetterNotFound, match="is not a reference as letters have it") as slip:
        letters_by_hand.find(store.url, change(codes.reference(TO_ANNA)))
    assert "\u202e" not in str(slip.value)


@pytest.mark.parametrize("at_a_time", [1, 10_000], ids=["part by part", "at once"])
def test_a_letter_whose_amounts_do_not_add_up_stops_the_night_and_nothing_is_kept(
    store: Store, night: Night, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(lettering, "_AT_A_TIME", at_a_time)
    store.execute(f"update closure.letters set total_pence = 1 where letter_id = '{TO_PAYER}'")  # noqa: S608
    with pytest.raises(
        LetterIncomplete, match=f"Letter {TO_PAYER} is due and lacks dues that add up to its total"
    ):
        night.prepared(FIRST)
    assert store.query("select * from closure.letter_contents") == []
