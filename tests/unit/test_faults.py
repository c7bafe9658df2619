"""Faults of the machine are told in words, what, where and what to do; a mistake of the program's is not taken for one."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy.exc
from xlsxwriter.exceptions import FileCreateError

from case_closure.local.embedded import ServerUnavailable
from case_closure.night import faults, parallel
from case_closure.night.context import NightRefused
from case_closure.outbound import folder
from case_closure.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home", database_url=None, landing="memory://in", outbound=str(tmp_path / "out")
    )


def at(number: int, path: str | None = "/srv/out/letters.pdf") -> OSError:
    return OSError(number, os.strerror(number), path) if path else OSError(number, os.strerror(number))


def from_the_server(error: type[psycopg.Error], words: str = "it said so") -> Exception:
    return sqlalchemy.exc.OperationalError("select 1", {}, error(words))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (at(errno.ENOSPC), ["No space is left on the disk of /srv/out/letters.pdf", "Make room"]),
        (at(errno.EDQUOT), ["share of the disk of /srv/out", "Make room"]),
        (at(errno.EROFS), ["/srv/out/letters.pdf can be read but not written"]),
        (at(errno.EACCES), ["may not use /srv/out/letters.pdf", "the right to it"]),
        (at(errno.EIO), ["does not answer as it should"]),
        (at(errno.ENOSPC, None), ["No space is left on the disk of", "MB free now", "home", "out"]),
        (OSError("[Errno 28] Error writing bytes to file"), ["No space is left"]),
        (shutil.Error([("/a", "/srv/out/b", "[Errno 28] No space left on device")]), ["of /srv/out/b", "Make room"]),
        (FileCreateError(at(errno.ENOSPC)), ["/srv/out/letters.pdf", "Make room"]),
        (MemoryError(), ["no memory left", "CASE_CLOSURE_WORKERS"]),
        (from_the_server(psycopg.errors.DiskFull), ["The disk of the database is full", "Make room"]),
        (psycopg.errors.AdminShutdown("terminating connection"), ["The database went away", "terminating connection"]),
        (from_the_server(psycopg.OperationalError, "connection refused"), ["went away or cannot be reached"]),
        (from_the_server(psycopg.errors.DeadlockDetected), ["the same rows"]),
        (ServerUnavailable("The embedded PostgreSQL did not answer."), ["did not answer"]),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else None,
)  # fmt: skip
def test_a_fault_says_what_where_and_what_to_do(
    settings: Settings, error: Exception, says: list[str]
) -> None:
    def wrapped() -> Exception:
        try:
            raise RuntimeError("while writing") from error
        except RuntimeError as outer:
            return outer

    for one in (error, wrapped()):
        words = faults.in_words(one, settings) or ""
        assert "Traceback" not in words
        for part in says:
            assert part in words
        assert "same command" in words or isinstance(error, ServerUnavailable)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("column"),
        ValueError("2"),
        AssertionError(),
        FileNotFoundError(2, "No such file", "/x"),
        at(errno.EISDIR),
    ],
)
def test_a_mistake_of_the_program_is_not_a_fault_of_the_machine(settings: Settings, error: Exception) -> None:
    assert faults.in_words(error, settings) is None


@pytest.mark.parametrize("ends", ["killed", "ended"])
def test_a_worker_that_is_gone_is_told_of_with_what_to_do(settings: Settings, ends: str) -> None:
    """As the kernel does when memory runs out."""

    def work(part: int) -> int:
        if part:
            os.kill(os.getpid(), signal.SIGKILL) if ends == "killed" else os._exit(3)
        return part

    with pytest.raises(parallel.WorkerDied) as died:
        parallel.over_parts(work, 2, 2, before_fork=lambda: None)
    words = faults.in_words(died.value, settings) or ""
    assert {
        "killed": "was killed by SIGKILL, most often because the machine ran out of memory",
        "ended": "code 3",
    }[ends] in words
    assert "the same command goes on" in words


def cut_off(here: Path) -> None:
    (here / folder.MAKING / "tmp-1" / "2017-08-09").mkdir(parents=True)
    (here / folder.MAKING / "tmp-2" / "2017-08-10").mkdir(parents=True)


def cut_off_between_the_renames(here: Path) -> None:
    (here / folder.MAKING / "tmp-1" / "2017-08-09").mkdir(parents=True)
    (here / "2017-08-09").rename(here / ".2017-08-09.old")


def cut_off_after_them(here: Path) -> None:
    (here / ".2017-08-09.old").mkdir()


@pytest.mark.parametrize("leave", [cut_off, cut_off_between_the_renames, cut_off_after_them])
def test_what_a_killed_publication_left_is_gone_at_the_next_run_of_any_night(
    tmp_path: Path, leave: Callable[[Path], None]
) -> None:
    """The folder that stood there stands again, whole; what is not ours stays."""
    for name in ("2017-08-09", "2017-08-08", ".somebody.old"):
        (tmp_path / name).mkdir()
    (tmp_path / "2017-08-09" / "manifest.json").write_text("{}")
    leave(tmp_path)
    folder.clear_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".somebody.old", "2017-08-08", "2017-08-09"]
    assert (tmp_path / "2017-08-09" / "manifest.json").read_text() == "{}"


def test_a_mistake_made_while_something_was_refused_is_a_mistake(settings: Settings) -> None:
    def mistaken() -> None:
        try:
            raise NightRefused("another night is open")
        except NightRefused:
            dict[str, str]()["mistake"]

    with pytest.raises(KeyError) as mistake:
        mistaken()
    assert isinstance(mistake.value.__context__, NightRefused)
    assert faults.in_words(mistake.value, settings) is None
