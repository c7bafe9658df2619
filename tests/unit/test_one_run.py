"""A DAG file run once in a process of its own: as Python itself would run it, but for what is loaded to stay."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from case_closure.local import one_run

ASKED = ("2017-08-10T00:00:00+00:00", "cli__1", '{"business_date": "2017-08-10"}')


def run(tmp_path: Path, code: str, *, parent_stays: bool = True) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "one.py"
    file.write_text(code)
    (tmp_path / "beside.py").write_text("NAME = 'beside'\n")
    child = subprocess.Popen(
        [sys.executable, "-m", "case_closure.local.one_run", str(file), *ASKED],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdin is not None
    if not parent_stays:
        child.stdin.close()
        child.stdin = None
    child.wait(60)
    assert child.stdout is not None
    assert child.stderr is not None
    return subprocess.CompletedProcess(child.args, child.returncode, child.stdout.read(), child.stderr.read())


def test_a_file_finds_its_arguments_and_what_stands_beside_it(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "import beside\nfrom case_closure.local.one_run import arguments\n"
        "if __name__ == '__main__': print(beside.NAME, *arguments(), sep='|')\n",
    )
    assert done.stdout == "beside|2017-08-10 00:00:00+00:00|cli__1|{'business_date': '2017-08-10'}\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("", 0, ""), ("raise SystemExit", 0, ""), ("raise SystemExit(0)", 0, ""), ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('no')", 1, "no"), ("raise ValueError('why')", 1, "ValueError: why"),
    ],
)  # fmt: skip
def test_it_ends_as_the_file_ends_and_what_was_to_be_done_at_the_end_is_done(
    tmp_path: Path, ending: str, code: int, said: str
) -> None:
    done = run(tmp_path, f"import atexit\natexit.register(print, 'done')\n{ending}\n")
    assert (done.returncode, done.stdout) == (code, "done\n")
    assert done.stderr.strip().endswith(said)


def test_it_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    done = run(tmp_path, "import time\ntime.sleep(60)\n", parent_stays=False)
    assert done.returncode == 70


def test_garbage_is_collected_from_the_first_stage_on(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "import gc\nfrom case_closure.local.one_run import collect_garbage_again\n"
        "print(gc.isenabled(), end=' ')\ncollect_garbage_again()\nprint(gc.isenabled(), gc.get_freeze_count() > 0)\n",
    )
    assert done.stdout == "False True True\n"


def test_a_process_that_collects_garbage_already_goes_on_as_it_is() -> None:
    frozen = gc.get_freeze_count()
    one_run.collect_garbage_again()
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
