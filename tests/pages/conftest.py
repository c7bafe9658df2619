"""A desk for each worker: two nights of the sample behind it, and a third whose records hold what pages must not believe.

Belongs here: the store, the desk, the browser. Does not belong here: what pages ought to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, BrowserContext

from case_closure import sample
from case_closure.desk import figures
from case_closure.store import database
from case_closure.store.shown import reading
from tests.support.browser import browsing
from tests.support.builders import case, nino_of
from tests.support.closure_builders import open_case
from tests.support.debt_builders import debt
from tests.support.desk import Desk, sign_in
from tests.support.installation import Databases, Installation

NIGHTS = (date(2017, 8, 10), date(2017, 8, 11))
HOSTILE_NIGHT = date(2017, 8, 14)
# Shows as text, or it is a fault: a script, an attribute, a template, SQL, text turned round.
HOSTILE = (
    "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{7*7}}'; drop table closure.dues; --\u202eabc"
)


@pytest.fixture(autouse=True)
def _figures_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine busy with tests the figures of a small book may take as long as those of a large one elsewhere."""
    monkeypatch.setattr(figures, "WAITS_SECONDS", 60.0)


@pytest.fixture(scope="session")
def _told(database_server: Databases) -> Iterator[Installation]:
    """A store that has seen three nights; nobody connects to it, so that it can be copied."""
    with database_server.installation() as made:
        sample.generate(made.landing, NIGHTS[0], len(NIGHTS), 40, 1)
        for on in NIGHTS:
            made.run(on)
        made.night(
            HOSTILE_NIGHT,
            case("H1", "G-HOSTILE", receiver={"surname": HOSTILE, "address_line_1": HOSTILE, "nino": "bad"}),
            case(f"H2{HOSTILE}", f"G{HOSTILE}", method_of_payment=HOSTILE, csa_caseworker=HOSTILE),
            case("H3", "G-ALIKE", method_of_payment=HOSTILE),
        )
        database.forget(made.url)
        yield made


@pytest.fixture(scope="session")
def told(database_server: Databases, _told: Installation) -> Iterator[Installation]:
    """For looking at; what changes something takes a copy: ``worked_on``."""
    with database_server.installation(copy_of=_told) as made:
        yield made
        reading.forget(made.url)


@pytest.fixture
def worked_on(database_server: Databases, _told: Installation) -> Iterator[Desk]:
    """A desk on a store of its own, to be changed."""
    with database_server.installation(copy_of=_told) as made:
        yield Desk(made)
        reading.forget(made.url)


@pytest.fixture(scope="session")
def desk(told: Installation) -> Desk:
    return Desk(told)


@pytest.fixture(scope="session")
def _of_clients(database_server: Databases) -> Iterator[Installation]:
    """Two nights of few clients, each for something: see the cases. Nobody connects to it, so that it can be copied."""
    payer = {"forenames": "Siân", "surname": "O’Brien-Lloyd", "nino": "AB123456C", "phone": "01130000001"}
    collected = {"agency": "Agency", "csa_system": "CS2", "csa_case_id": "W", "received_on": NIGHTS[0]}
    with database_server.installation() as made:
        made.night(
            NIGHTS[0],
            case("A", "G1", owes={"rp_active": 1000, "ni_sos_deferred": 50, "gb_sos_active": -7}, payer=payer),
            case("B", "G1", owes={"rp_active": 300}, payer=payer),
            case("A", "G5", csa_system="CSCS", owes={"rp_active": 200}, rp_arrears_decision="WRITE_OFF"),
            case("S", "secret", nationally_sensitive=True, owes={"rp_active": 900}, payer={"surname": "OBRIEN LLOYD"}),
            open_case("W", "G2", balance_row={"rp_active_pence": 1000, "total_pence": 1000}),
            payments={"CS2": [
                ("AB123456C", "Siân", "O’Brien-Lloyd", "RPAID", "4.00"), (nino_of("PP-G2"), "Alex", "Walker", "RHELD", "6.00"),
                (nino_of("PP-G5"), "Alex", "Other", "RLOST", "5.00"), (nino_of("PP-G5"), "Alex", "Walker", "RMORE", "9.00"),
            ]},
            dca_payments=[{**collected, "dca_reference": "DFLAG", "amount_pence": 250}],
        )  # fmt: skip
        correction = {
            "correction_id": "COR1", "csa_system": "CS2", "csa_case_id": "B", "creditor": "RP", "arrears_status": "ACTIVE",
            "new_amount_pence": 270, "reason": "ERROR", "requested_by": "Sam", "offline_calculation": None,
        }  # fmt: skip
        made.night(
            NIGHTS[1], case("C", "G7", owes={"rp_active": 100}), corrections=[correction],
            csa_debts=[debt("W", ima_pence=120)],
        )  # fmt: skip
        database.forget(made.url)
        yield made


@pytest.fixture(scope="session")
def clients(database_server: Databases, _of_clients: Installation) -> Iterator[Desk]:
    """A desk on those, for looking at."""
    with database_server.installation(copy_of=_of_clients) as made:
        yield Desk(made)
        reading.forget(made.url)


@pytest.fixture
def clients_worked_on(database_server: Databases, _of_clients: Installation) -> Iterator[Desk]:
    """A desk on those, to be changed."""
    with database_server.installation(copy_of=_of_clients) as made:
        yield Desk(made)
        reading.forget(made.url)


@pytest.fixture(scope="session")
def address(desk: Desk) -> Iterator[str]:
    """The desk served on loopback."""
    with desk.served() as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with browsing() as started:
        yield started


@pytest.fixture
def signed_in(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A browser signed in in every role but the sensitive one."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    sign_in(context, address)
    yield context
    context.close()
