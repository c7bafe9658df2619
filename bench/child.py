"""A night, sample, reconciliation or one night's letters in a process of its own: `python -m bench.child what '<JSON>'`.

Its last line is the answer in JSON. Belongs here: the clock and the memory of that process. Does not belong here:
what is made of them. Nothing of the product is imported before the clock runs.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any


def night(landing: str, on: str, run_id: str, *, load_gates: bool = True) -> dict[str, Any]:
    """Runs the night of the date on the store of the environment; seconds and bytes.

    import_seconds: loading everything a night uses, the gates' library above all; without ``load_gates`` that is left to the
    night, which loads it when it has something to judge. night_seconds: the night after that.
    cpu_seconds: of this process and its workers, imports included, the server's not; unlike the others not of the clock.
    peak_bytes: the most memory this process or one of its workers had.
    """
    began = time.perf_counter()
    from case_closure.local.store import with_store
    from case_closure.night import run as shell

    if load_gates:
        from case_closure.gates import engine, suites  # noqa: F401  likewise

    settings = with_store()
    imported = time.perf_counter()
    stages: dict[str, float] = {}
    last = imported

    def ended(stage: str, _: dict[str, int | str]) -> None:
        nonlocal last
        now = time.perf_counter()
        stages[stage], last = round(now - last, 3), now

    context = shell.NightContext(
        date.fromisoformat(on), run_id, Path(landing), Path(settings.outbound), settings
    )
    # What goes out has figures of its own: its letters would hide what the money costs.
    shell.run_night(context, ended, [stage for stage in shell.STAGES if stage != "write_out"])
    ended_at = time.perf_counter()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "import_seconds": imported - began,
        "night_seconds": ended_at - imported,
        "cpu_seconds": sum(of.ru_utime + of.ru_stime for of in used),
        "stages": stages,
        "peak_bytes": max(_own_peak_bytes(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024),
    }


def _own_peak_bytes() -> int:
    # Not ru_maxrss: that also counts what whoever started this process had before it became this program.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("/proc/self/status has no VmHWM")


def reconcile(on: str, out: str) -> dict[str, Any]:
    """Reconciles the store of the environment as at the end of that night, workbook included; seconds and bytes."""
    began = time.perf_counter()
    from case_closure.desk import reconciliation as command
    from case_closure.local.store import with_store

    settings = with_store()
    imported = time.perf_counter()
    said: list[str] = []
    assert settings.database_url is not None
    command.reconcile(
        settings.database_url, date.fromisoformat(on), Path(out), said.append,
        implausible_pence=settings.balance_implausible_pence,
    )  # fmt: skip
    return {
        "import_seconds": imported - began,
        "seconds": time.perf_counter() - imported,
        "peak_bytes": _own_peak_bytes(),
        "said": said,
    }


def sample(out: str, on: str, casegroups: int, **how: Any) -> dict[str, Any]:
    """Writes a sample of one night; see `case_closure.sample.generate` for the rest of the arguments."""
    from case_closure.sample import generate

    began = time.perf_counter()
    generate(Path(out), date.fromisoformat(on), casegroups=casegroups, **how)
    return {"seconds": time.perf_counter() - began}


def letters(on: str, out: str, workers: int) -> dict[str, Any]:
    """The letters of a night that was run: what each says concluded anew, typeset and indexed, into ``out``.

    letters, pages: how many. seconds: from the first query to the last byte. peak_bytes: the most memory of a process
    that typeset; own_peak_bytes: of this one.
    """
    from case_closure.local.store import with_store
    from case_closure.night import lettering
    from case_closure.outbound.letters import batches
    from case_closure.store import database

    url, night_of = with_store().store_url, date.fromisoformat(on)
    with database.transaction(url) as connection:
        connection.exec_driver_sql("truncate closure.letter_contents")
    began = time.perf_counter()
    lettering.prepare(url, night_of, by_hand=True, workers=workers, holding=lambda _: None)
    with database.transaction(url) as connection:
        files = batches.write(lettering.parts(connection, night_of), Path(out), night_of, workers)
    return {
        "letters": files[-1].rows,
        "pages": files[-1].control_totals["pages"],
        "seconds": time.perf_counter() - began,
        "peak_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        "own_peak_bytes": _own_peak_bytes(),
    }


def peer(landing: str, on: str) -> dict[str, Any]:
    """The same night's finance path by hand (`bench.peer`); seconds, imports apart, and how its rows differ."""
    began = time.perf_counter()
    from bench import peer as by_hand
    from case_closure.local.store import with_store

    settings = with_store()
    imported = time.perf_counter()
    day = date.fromisoformat(on)
    by_hand.write(Path(landing) / on, settings.store_url, day, settings.balance_implausible_pence)
    ended = time.perf_counter()
    return {
        "import_seconds": imported - began,
        "seconds": ended - imported,
        "peak_bytes": _own_peak_bytes(),
        "differences": by_hand.differences(settings.store_url)[:10],
    }


def plain_letters(on: str, workers: int) -> dict[str, Any]:
    """The floor: the same words as bare paragraphs, by the same typesetter in batches of the same size, side by side."""
    os.environ["RAYON_NUM_THREADS"] = "1"
    from case_closure.local.store import with_store
    from case_closure.night.parallel import over_parts
    from case_closure.outbound.letters.batches import BATCH_LETTERS
    from case_closure.store import database, letter_contents

    url = with_store().store_url
    with database.transaction(url) as connection:
        parts = letter_contents.parts(connection, date.fromisoformat(on), BATCH_LETTERS)
        batches = [f"[{','.join(part['content'].to_pylist())}]" for part in parts]

    def typeset(first: int) -> int:
        import typst

        root = Path(__file__).resolve().parents[1]
        fonts = typst.Fonts(include_system_fonts=False)
        compilers = [
            typst.Compiler(str(page), root=str(root), font_paths=fonts, ignore_system_fonts=True)
            for page in (root / "bench/plain_letters.typ", _empty(root))
        ]
        pages = 0
        for batch in batches[first::workers]:
            document: Any = compilers[0].compile(sys_inputs={"letters": batch}, timestamp=0, pdf_tags=False)
            pages += len(document)
            for _ in range(11):
                compilers[1].compile(timestamp=0, pdf_tags=False)
        return pages

    began = time.perf_counter()
    pages_typeset = over_parts(typeset, workers, workers, before_fork=lambda: database.forget_inherited(url))
    return {"bytes": sum(pages_typeset), "seconds": time.perf_counter() - began}


def _empty(root: Path) -> Path:
    """The empty page that has the typesetter forget the batch before."""
    return root / "include/case_closure/outbound/letters/templates/empty.typ"


_ASKED: dict[str, Callable[..., dict[str, Any]]] = {
    "night": night,
    "sample": sample,
    "reconcile": reconcile,
    "letters": letters,
    "plain_letters": plain_letters,
    "peer": peer,
}

if __name__ == "__main__":
    what, arguments = sys.argv[1], json.loads(sys.argv[2])
    answer = _ASKED[what](**arguments)
    sys.stdout.write(json.dumps(answer) + "\n")
