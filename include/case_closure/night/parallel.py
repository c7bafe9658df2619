"""Working on the parts of a night side by side, in processes of their own.

Belongs here: forking, handing back results and errors, leaving nobody behind. Does not belong here: what is done.
Parts share no casegroup, so they may be worked on in any order, or again.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from case_closure import refusals

Result = TypeVar("Result")
_PR_SET_PDEATHSIG = 1
# Casegroups a worker. Each part pays once for every gate and query, some tenths of a second all together.
_WORTH_SHARING = 2_000
# How many objects more a worker has before it looks for garbage: of rows it makes thousands at a time, and they stay.
_MADE_BEFORE_COLLECTING = 20_000


class WorkerDied(refusals.Refused):
    """A worker process ended without an answer, as when the machine runs out of memory."""


def in_parts(ids: list[str], most: int, workers: int) -> list[list[str]]:
    """The ids in order, cut into parts of ``most`` at most: alike in size, and as many as keep every worker busy to the end.

    What is too little to share stays in one part.
    """
    count = -(-len(ids) // most)
    if len(ids) >= workers * _WORTH_SHARING:
        count = min(-(-count // workers) * workers, len(ids))
    edges = [len(ids) * part // count for part in range(count + 1)] if count else [0]
    return [ids[start:end] for start, end in itertools.pairwise(edges)]


def over_parts(
    work: Callable[[int], Result], count: int, workers: int, before_fork: Callable[[], None]
) -> list[Result]:
    """``[work(0), ..., work(count - 1)]``, spread over at most ``workers`` forked processes.

    ``before_fork`` closes what must not be shared (database connections). Results must pickle. The first error is
    raised here as it was there, after every worker has ended. With one worker, or one part, nothing is forked.
    Plain forks: inside an Airflow task multiprocessing refuses to start children of its own.
    """
    workers = min(workers, count)
    if workers <= 1:
        return [work(part) for part in range(count)]
    before_fork()
    # What is loaded stays loaded: else each worker's collector goes through all of it, a third of a second, and copies its pages.
    gc.freeze()
    children = [_fork(work, range(first, count, workers)) for first in range(workers)]
    answers: list[Any] = [_answer(*child) for child in children]
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answers[part % workers][part // workers] for part in range(count)]


def _fork(work: Callable[[int], Result], parts: Sequence[int]) -> tuple[int, int]:
    reading, writing = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    # Only the child from here on; it never returns into the parent's code.
    os.close(reading)
    gc.set_threshold(_MADE_BEFORE_COLLECTING)
    _end_with_parent(parent)
    try:
        try:
            answer: Any = [work(part) for part in parts]
        except BaseException as error:
            answer = error
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(_pickled(answer))
    finally:
        os._exit(0)


def _end_with_parent(parent: int) -> None:
    """A worker whose parent is killed ends too, and its transaction with it. Linux alone can promise this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _pickled(answer: Any) -> bytes:
    try:
        pickled = pickle.dumps(answer)
        pickle.loads(pickled)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(answer).__name__}: {answer}"))
    return pickled


def _answer(child: int, reading: int) -> Any:
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not content:
        how = (
            f"was killed by {signal.Signals(os.WTERMSIG(status)).name}, most often because the machine ran out of memory"
            if os.WIFSIGNALED(status)
            else f"ended without an answer (code {os.waitstatus_to_exitcode(status)})"
        )
        return WorkerDied(
            f"A worker process {how}. What it had stored of whole parts stands; the same command goes on where it stopped. If "
            "it happens again, give it less at once: CASE_CLOSURE_WORKERS or CASE_CLOSURE_PARTITION_CASEGROUPS."
        )
    return pickle.loads(content)
