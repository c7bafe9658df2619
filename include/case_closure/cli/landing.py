"""`sample` and `check`: a landing zone made, and one held against its contract.

Belongs here: their arguments and words. Does not belong here: the population (``sample``), what is looked at (``desk.check``).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import command, count, day, file, given, noun, number
from case_closure.refusals import Refused
from case_closure.settings import Settings

app = noun()


@command(app, "sample", "write a synthetic landing zone")
def write_sample(
    out: Annotated[Path, file("--out", "DIR", "the landing zone to write")],
    from_on: Annotated[date, day("--from", "business date of the first night")],
    nights: Annotated[int, count("--nights", "how many nights (1)")] = 1,
    casegroups: Annotated[int, count("--casegroups", "how many casegroups (2000)")] = 2000,
    seed: Annotated[int, number("--seed", "another population (1)")] = 1,
) -> None:
    from case_closure import sample

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refused(
            f"{out} is there already, and a sample is not written over it or beside what it holds. Name a new folder, "
            "or delete that one first."
        )
    sample.generate(out, from_on, nights, casegroups, seed)
    terminal.say(
        f"{casegroups:,} casegroups over {nights} night{'s' if nights != 1 else ''} from {from_on} in {out}"
    )


@command(app, "check", "hold a landing folder against manifest, schema and gates; applies nothing")
def check(folder: Annotated[Path, given("DIR", "the folder of one night")]) -> int:
    from case_closure.desk.check import check_folder
    from case_closure.night import check_landing

    settings = Settings.from_environment()
    return check_folder(
        folder,
        terminal.say,
        gates=lambda landing: check_landing.check_gates(landing, settings.balance_implausible_pence),
        entries=check_landing.check_resolutions,
    )
