"""Who gets which fault, showcase or story, and how a fault is mended on a later night.

Belongs here: the queue of what is planted deliberately, the random faults of a block, mending by extract or
resolution.
Does not belong here: what the faults are (`faults`, `showcase`, `stories`, `afterwards`), writing nights (`nights`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from case_closure.sample.afterwards import AFTERWARDS
from case_closure.sample.casegroup import POPULATION_FILES, Casegroup, Dice, Row
from case_closure.sample.faults import FAULTS, HIDDEN, PAIRS, Fault, Found
from case_closure.sample.showcase import SHOWCASES
from case_closure.sample.stories import STORIES, Teller, resolution_row
from case_closure.tables.landed import FILES


class PlantedFault(NamedTuple):
    """An exception to be found: the night it opens (or, in ``mended``, closes), its rule, and the case it
    is reported on.

    The case is null where the row names none; for payments only the system of the file is known.
    """

    date: date
    rule_code: str
    csa_system: str | None
    csa_case_id: str | None


@dataclass
class Planted:
    """Every exception there is to find in a sample, since nothing in it is wrong but what was planted.

    ``expected`` by the night it opens, ``mended`` by the night it closes; ``left_out``: what there was no
    room or no later night for.
    """

    expected: list[PlantedFault] = field(default_factory=list)
    mended: list[PlantedFault] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Item:
    """One thing to plant into ``groups`` casegroups: the first of ``cases`` or more (1: just one)."""

    name: str
    plant: Callable[[list[Casegroup], Teller], None]
    nights: int = 1
    groups: int = 1
    cases: int = 1
    on_cms: bool = False


MENDED_SHARE = 0.6


def queue() -> list[Item]:
    """All that is planted deliberately, the most needed first."""
    first_of_each = list({fault.code: fault for fault in reversed(FAULTS)}.values())[::-1]
    stories = [Item(s.name, s.tell, s.nights, s.groups, s.cases, s.on_cms) for s in (*STORIES, *AFTERWARDS)]
    showcases = [Item(s.name, _shown(s.make), 1, s.groups, s.cases, s.on_cms) for s in SHOWCASES]
    pairs = [_item(one, other) for one, other in PAIRS]
    hidden = [_item(one, other, tells=1) for one, other in HIDDEN]
    variants = [_item(fault) for fault in FAULTS if fault not in first_of_each]
    return [
        *(_item(fault, mended=1.0) for fault in first_of_each),
        *stories,
        *hidden,
        *pairs,
        *showcases,
        *variants,
    ]


def _shown(make: Callable[[list[Casegroup], Dice], None]) -> Callable[[list[Casegroup], Teller], None]:
    return lambda groups, teller: make(groups, teller.dice)


def _item(*faults: Fault, tells: int | None = None, mended: float = MENDED_SHARE) -> Item:
    """An item of one or more faults; only the first ``tells`` of them are reported on the first night."""

    def plant(groups: list[Casegroup], teller: Teller) -> None:
        break_and_mend(groups[0], faults, teller, tells, mended)

    return Item(
        " + ".join(fault.name for fault in faults),
        plant,
        cases=max(fault.cases for fault in faults),
        on_cms=any(fault.on_cms for fault in faults),
    )


def break_and_mend(
    group: Casegroup,
    faults: Sequence[Fault],
    teller: Teller,
    tells: int | None = None,
    mended: float = MENDED_SHARE,
) -> None:
    """Plants faults into one casegroup, and with the chance ``mended`` has a later night put them right."""
    sound = group.copy()
    faults_found: list[Found] = []
    for place, fault in enumerate(faults):
        broken = fault.plant(group, teller.dice)
        if tells is None or place < tells:
            faults_found += [one for one in broken if one not in faults_found]
    teller.expect(0, *faults_found)
    chance = teller.dice.chance
    if not teller.nights_left or any(fault.mend == "NEVER" for fault in faults) or chance.random() >= mended:
        return
    night = chance.randint(1, teller.nights_left)
    # With one case only: a receiving parent of two is mended for both by an extract.
    by_hand = (
        len(faults) == len(faults_found) == 1 and faults[0].mend == "RESOLUTION" and chance.random() < 0.5
    )
    resolutions = _resolutions(sound, group, teller, night) if by_hand else []
    if resolutions:
        teller.send(night, "resolutions", *resolutions)
    else:
        for file, rows in _to_send_again(sound, group).items():
            teller.send(night, file, *rows)
    teller.mend(night, *faults_found)


def _to_send_again(sound: Casegroup, broken: Casegroup) -> dict[str, list[Row]]:
    """The sound rows that the broken casegroup has otherwise, twice or not at all.

    A balance gets a new number: the old one may have been seen with the same values, and would be ignored
    (R20).
    """
    again: dict[str, list[Row]] = {}
    for file in POPULATION_FILES:
        names = FILES[file].key
        for row in sound.file(file):
            same = [other for other in broken.file(file) if all(other[n] == row[n] for n in names)]
            if same != [row]:
                if file == "csa_balances":
                    row = dict(row, balance_id=f"{row['balance_id']}-M")
                again.setdefault(file, []).append(row)
    return again


def _resolutions(sound: Casegroup, broken: Casegroup, teller: Teller, night: int) -> list[Row]:
    """A resolution for each changed field; none when one had been null, which cannot be entered."""
    out: list[Row] = []
    for file, entity in (("csa_cases", "CASE"), ("csa_parties", ""), ("csa_balances", "BALANCE")):
        for good, bad in zip(sound.file(file), broken.file(file), strict=True):
            for name in good:
                if good[name] == bad[name]:
                    continue
                if good[name] is None:
                    return []
                case, role = _about(sound, good) if file == "csa_parties" else (good, entity)
                out.append(
                    resolution_row(teller.dice, case, role, name, bad[name], good[name], teller.on(night))
                )
    return out


def _about(group: Casegroup, party: Row) -> tuple[Row, str]:
    for case in group.cases:
        if case["receiving_parent_id"] == party["party_id"]:
            return case, "RECEIVING_PARENT"
    return group.cases[0], "PAYING_PARENT"


def random_fault(dice: Dice, cases: int) -> Fault:
    """A fault that a casegroup of so many cases can have, by weight."""
    fitting = _FITTING[min(cases, 2)]
    return dice.chance.choices(fitting, [fault.weight for fault in fitting])[0]


def _fits(fault: Fault, cases: int) -> bool:
    return fault.weight > 0 and fault.cases <= cases and (cases == 1 or not fault.single)


_FITTING = {cases: [fault for fault in FAULTS if _fits(fault, cases)] for cases in (1, 2)}


def dated(faults_found: Iterable[tuple[int, Found]], first: date) -> list[PlantedFault]:
    """Exceptions of a story as of their business dates."""
    return [PlantedFault(first + timedelta(days=night), code, *case) for night, (code, case) in faults_found]
