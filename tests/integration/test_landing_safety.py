"""What a night does with a landing that would harm it, on the store (R22; the reading itself is in tests/unit)."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from case_closure.landing.rejection import LandingRejected
from case_closure.night import run as night
from tests.support.builders import case
from tests.support.installation import Installation

ON = date(2017, 8, 10)


@pytest.mark.parametrize("where", ["link", "link/out", "landing/../landing/", "."])
def test_a_night_whose_outbound_would_be_in_its_landing_zone_is_not_begun(
    installation: Installation, where: str
) -> None:
    folder = installation.land(ON, case())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (installation.folder / "link").symlink_to(installation.landing)
    context = replace(installation.context(ON), outbound=Path(f"{installation.folder}/{where}"))
    with pytest.raises(night.NightRefused, match="writing out would replace what was landed"):
        night.run_night(context, lambda *_: None)
    assert installation.night_status() == {}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.timeout(60)
def test_a_pipe_named_as_a_file_rejects_the_night_at_once(installation: Installation) -> None:
    folder = installation.land(ON, case())
    (folder / "csa_children.parquet").unlink()
    os.mkfifo(folder / "csa_children.parquet")
    with pytest.raises(LandingRejected, match=r"csa_children.parquet: file: .* found a pipe"):
        installation.run(ON)
    assert installation.night_status() == {ON: "REJECTED"}


def test_texts_with_nothing_to_read_in_them_count_as_missing(installation: Installation) -> None:
    blank = "\u200b\u2800\u3164\u00ad"
    installation.night(
        ON,
        case("surname", "surname", receiver={"surname": blank}),
        case("address", "address", receiver={"address_line_1": blank}),
        case("nino", "nino", receiver={"nino": blank}),
        case("method", "method", method_of_payment=blank),
        case("dash", "dash", receiver={"address_line_1": "-"}),
    )
    assert installation.outcomes() == {
        "surname": ("EXCEPTION", "surname_missing"),
        "address": ("EXCEPTION", "contact_missing"),
        "nino": ("EXCEPTION", "nino_missing"),
        "method": ("EXCEPTION", "method_of_payment_invalid"),
        "dash": ("TRANSITION_COMPLETE", "ARREARS_ADDED"),
    }
    assert {row["casegroup_id"] for row in installation.view("letters")} == {"dash"}
