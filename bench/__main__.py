"""`python -m bench`: measure, print the table, write it into its page, exit 1 when a goal is missed.

Belongs here: arguments and words. Does not belong here: measuring.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench import figures
from bench.floor import NotTheSame
from bench.results import Row, line, missed, table, write_into
from case_closure.settings import Settings
from tests.support.home import CAN_BE_BACKED_UP, Home, MeasuringFailed, new_home

_PACKAGES = ("apache-airflow", "great-expectations", "pandas", "pyarrow", "SQLAlchemy", "psycopg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for; 0 when every goal is met, 1 when one is missed or nothing could be measured."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the home is taken away then too
    try:
        with new_home(asked.home, None if asked.minimal else CAN_BE_BACKED_UP) as home:
            text, rows = _measured(home, asked)
    except (MeasuringFailed, NotTheSame) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"\n{text}")
    if asked.write:
        write_into(asked.write, text)
    for row in missed(rows):
        print(f"missed: {row.figure}", file=sys.stderr)
    return 1 if missed(rows) else 0


def _measured(home: Home, asked: argparse.Namespace) -> tuple[str, list[Row]]:
    bench = figures.Bench(
        home,
        asked.sizes,
        asked.repeat,
        _say,
        asked.night,
        asked.stress,
        asked.sample,
        asked.book,
        asked.letters,
    )
    rows: list[Row] = []
    bench.warm_up()
    for name in asked.only:
        _say(f"{name}:")
        # Told as it is found: what fails later takes nothing of an hour's measuring with it.
        for row in figures.FIGURES[name](bench):
            rows.append(row)
            _say(f"  {line(row)}")
    return f"{_machine(home, asked)}\n\n{table(rows)}", rows


def _say(line: str) -> None:
    print(line, flush=True)


def _machine(home: Home, asked: argparse.Namespace) -> str:
    settings = Settings.from_environment()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    repeated = (
        f"{asked.repeat} times each"
        if asked.repeat
        else f"3 times each, once from {figures.LARGE:,} casegroups on"
    )
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {psutil.virtual_memory().total / figures.GIB:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"PostgreSQL {home.shown('server_version')} at wal_level {home.shown('wal_level')}, checksums "
        f"{home.shown('data_checksums')}, "
        f"{versions}; {settings.workers} workers, parts of {settings.partition_casegroups:,} casegroups; "
        f"medians of runs, {repeated}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="The figures, each measured in one run."
    )
    parser.add_argument(
        "--sizes", type=_sizes, default=[20_000, 120_000, 1_200_000], metavar="N,N",
        help="casegroups of the finance path (20k,120k,1200k)",
    )  # fmt: skip
    parser.add_argument(
        "--only", type=_figures, default=[*figures.FIGURES], metavar="F,F", help=f"of {','.join(figures.FIGURES)}"
    )  # fmt: skip
    parser.add_argument(
        "--repeat", type=_size, metavar="N", help="measure each so many times (3; large ones once)"
    )
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="an empty folder to work in (a temporary one)"
    )
    parser.add_argument(
        "--minimal", action="store_true", help="on the server as it comes, at wal_level minimal, not on one that can be backed up"
    )  # fmt: skip
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the table into this page (docs/bench.md)"
    )
    smaller = parser.add_argument_group("other sizes than the goals are set at, to try the bench itself")
    smaller.add_argument(
        "--night", type=_size, default=figures.ORDINARY, metavar="N", help="the night through its DAG (20k)"
    )
    smaller.add_argument(
        "--stress", type=_size, default=figures.STRESS, metavar="N", help="bad and rerun (120k)"
    )
    smaller.add_argument(
        "--sample", type=_size, default=figures.SAMPLE, metavar="N", help="the timed sample (100k)"
    )
    smaller.add_argument(
        "--book", type=_size, default=figures.THE_BOOK, metavar="N", help="what a tranche is selected from (1200k)"
    )  # fmt: skip
    smaller.add_argument(
        "--letters", type=_size, default=figures.FIFTY_THOUSAND_LETTERS, metavar="N",
        help="casegroups whose letters are timed (34k, of 50,000 letters)",
    )  # fmt: skip
    return parser


def _size(text: str) -> int:
    number = text.strip().lower()
    scale = {"k": 1_000, "m": 1_000_000}.get(number[-1:], 1)
    try:
        size = round(float(number.rstrip("km")) * scale)
    except ValueError:
        size = 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"expected a number such as 20k, found '{text}'")
    return size


def _sizes(text: str) -> list[int]:
    return sorted({_size(part) for part in text.split(",")})


def _figures(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in figures.FIGURES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"expected some of {', '.join(figures.FIGURES)}, found '{', '.join(unknown)}'"
        )
    return names


if __name__ == "__main__":
    raise SystemExit(main())
