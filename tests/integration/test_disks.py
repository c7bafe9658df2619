"""What a night leaves on the disk of the machine it runs on: nothing, where a database, landing and outbound are given.

Such a machine may be one of several, with nothing of its own: what is personal lies in those three places alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from case_closure import sample
from tests.support.installation import Databases

FIRST = date(2017, 8, 10)

# The command line, with a note of every file that Python opens for writing, in the processes it forks too.
_WATCHED = """
import os, sys, tempfile
tempfile.gettempdir()  # which tries whether it can write there
note = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def watch(event, given):
    if event == "open" and isinstance(given[0], (str, bytes)) and (given[2] or 0) & writing:
        os.write(note, os.path.abspath(os.fsencode(given[0])) + b"\\n")

sys.addaudithook(watch)
from case_closure.cli.main import main
sys.exit(main())
"""


def test_a_night_writes_nowhere_but_outbound(database_server: Databases, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("cwd", "user", "temporary")}
    for folder in folders.values():
        folder.mkdir()
    folders["cwd"].chmod(0o555)
    written = tmp_path / "written"
    with database_server.installation() as given:
        sample.generate(given.landing, FIRST, 1, 60, seed=1)
        landed = sorted(given.landing.rglob("*"))
        outbound = given.folder / "outbound"
        own = {name: value for name, value in os.environ.items() if not name.startswith("CASE_CLOSURE_")}
        done = subprocess.run(
            [
                sys.executable,
                "-B",
                "-c",
                _WATCHED,
                str(written),
                "nightly",
                "--date",
                str(FIRST),
                "--in-process",
            ],
            env=own
            | {
                "CASE_CLOSURE_DATABASE_URL": given.url,
                "CASE_CLOSURE_LANDING": str(given.landing),
                "CASE_CLOSURE_OUTBOUND": str(outbound),
                "HOME": str(folders["user"]),
                "TMPDIR": str(folders["temporary"]),
            },
            cwd=folders["cwd"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        names = {name for name in written.read_text().splitlines() if not name.startswith("/dev/")}
        assert any(name.endswith("/manifest.json") for name in names)  # what is watched for is seen
        assert {name for name in names if not name.startswith(f"{outbound}/.making/")} == set()
        assert [file for folder in folders.values() for file in folder.iterdir()] == []
        assert sorted(given.landing.rglob("*")) == landed
        assert [path.name for path in outbound.iterdir()] == [str(FIRST)]
        assert list((outbound / str(FIRST) / "letters").rglob("*.pdf"))
