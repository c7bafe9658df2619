"""Where an amount came from: which extract brought the row behind it, and which row of which file that was.

Belongs here: the queries, each for one casegroup and one side (R26). Does not belong here: the landed folder
(``landing.one_row``), words (``desk.tracing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, text

from case_closure.store import sensitive
from case_closure.tables.landed import FILES

BY_PLACE: Final = ("csa_balances", "clerical_balances")
PAYMENTS: Final = ("csa_payments", "dca_payments")
BY_KEY: Final = {
    "corrections": ("correction_id",),
    "enforcement_actions": ("action_id",),
    "csa_debts": ("csa_system", "csa_case_id"),
}
"""Files whose amounts are traced, by how a row of theirs is told: by its place, by its payment, by its key."""


@dataclass(frozen=True)
class Origin:
    """The row behind an amount as it is held, and the extract that brought it.

    ``row_number``: None where it is not kept and is found in the file by ``key``. ``taken``: the extract of that night that was
    taken in last; another than ``extract_number`` when the night's folder has been landed again since.
    """

    file: str
    business_date: date
    csa_system: str | None
    row_number: int | None
    extract_number: int | None
    key: dict[str, str]
    values: dict[str, Any] | None
    taken: int
    extract_id: str | None
    manifest_sha256: str | None


def balance(
    connection: Connection, casegroup_id: str, file: str, on: date, extract: int, row: int, *, apart: bool
) -> Origin | None:
    """That of a balance: its file is one of ``BY_PLACE``. ``apart``: on the side of those that are nationally sensitive."""
    return _first(
        connection, file,
        "(h.business_date, h.extract_number, h.row_number) = (:on, :extract, :row) and h.casegroup_id = :casegroup_id",
        "h.extract_number, h.row_number", "", apart=apart,
        on=on, extract=extract, row=row, casegroup_id=casegroup_id,
    )  # fmt: skip


def payment(connection: Connection, payment_id: str) -> Origin | None:
    """That of a payment that whoever asks may see."""
    query = "select source, business_date, extract_number, row_number, csa_system from closure.payments where payment_id = :id"
    found = connection.execute(text(query), {"id": payment_id}).first()
    if found is None:
        return None
    source, on, extract, row, system = found
    of_system = " and h.csa_system = :system" if source == "CSA" else ""
    return _first(
        connection, "csa_payments" if source == "CSA" else "dca_payments",
        f"(h.business_date, h.extract_number, h.row_number) = (:on, :extract, :row){of_system}",
        "h.extract_number, h.row_number", "", apart=None,
        on=on, extract=extract, row=row, **({"system": system} if of_system else {}),
    )  # fmt: skip


def by_key(
    connection: Connection, casegroup_id: str, file: str, parts: list[str], *, apart: bool
) -> Origin | None:
    """That of a row told by its key: its file is one of ``BY_KEY``."""
    names = BY_KEY[file]
    if len(parts) != len(names):
        return None
    named = " and ".join(f"h.{name} = :{name}" for name in names)
    of_case = "left join held.csa_cases c on c.csa_system = h.csa_system and c.csa_case_id = h.csa_case_id"
    return _first(
        connection, file, f"{named} and c.casegroup_id = :casegroup_id", "null::int, null::bigint", of_case,
        apart=apart, casegroup_id=casegroup_id, **dict(zip(names, parts, strict=True)),
    )  # fmt: skip


def debt(
    connection: Connection, casegroup_id: str, on: date, csa_system: str, csa_case_id: str, *, apart: bool
) -> Origin | None:
    """That of a debt as the nine rules judged it on that night: the row held may be a later one, so its values are not told."""
    found = connection.execute(
        text(
            f"""
            select n.extract_number, n.extract_id, n.manifest_sha256
            from closure.debt_judgements j join closure.nights n using (business_date)
            where (j.csa_system, j.csa_case_id, j.business_date) = (:system, :case, :on)
              and j.casegroup_id = :casegroup_id and {sensitive.of_row("j")} = :apart
            """  # noqa: S608  a condition of the store
        ),
        {"system": csa_system, "case": csa_case_id, "on": on, "casegroup_id": casegroup_id, "apart": apart},
    ).first()
    if found is None:
        return None
    key = {"csa_system": csa_system, "csa_case_id": csa_case_id}
    return Origin("csa_debts", on, None, None, None, key, None, *found)


def _first(
    connection: Connection,
    file: str,
    where: str,
    place: str,
    joined: str,
    *,
    apart: bool | None,
    **values: Any,
) -> Origin | None:
    """The row held of ``file`` on that side, with its place and the extract of its night."""
    contract = FILES[file]
    names = [column.name for column in contract.columns]
    system = "h.csa_system" if file == "csa_payments" else "null::text"
    row = "h" if not joined else "r"
    of_row = f"(select h.csa_system, h.csa_case_id, c.casegroup_id) {row}" if joined else ""
    side = "" if apart is None else f" and {sensitive.of_row(row)} = :apart"
    found = connection.execute(
        text(
            f"select h.business_date, {system} as of_system, {place}, n.extract_number, n.extract_id, n.manifest_sha256, "  # noqa: S608  names of the contract, conditions of this module
            f"{', '.join(f'h.{name}' for name in names)} from held.{file} h {joined} "
            f"{'cross join lateral ' + of_row if of_row else ''} "
            f"left join closure.nights n on n.business_date = h.business_date where {where}{side} limit 1"
        ),
        values | ({} if apart is None else {"apart": apart}),
    ).first()
    if found is None:
        return None
    on, of_system, extract, number, taken, extract_id, manifest, *of_file = found
    held = dict(zip(names, of_file, strict=True))
    key = {name: str(held[name]) for name in BY_KEY.get(file, ())}
    return Origin(file, on, of_system, number, extract, key, held, taken or 0, extract_id, manifest)
