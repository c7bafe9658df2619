"""A DAG file run once, by itself, in a process of its own: `python -m case_closure.local.one_run FILE WHEN NAME CONF`.

Belongs here: that contract between `nightly_run.py` (parent) and `dags/nightly.py` (child): its arguments, an end when its parent
ends, and what a process saves that loads a great deal for one run. Does not belong here: Airflow.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import sys
import threading
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn


def arguments() -> tuple[datetime, str, dict[str, Any]]:
    """The run's logical date, name and conf, from the command line: an ISO time, a text and a JSON object."""
    when, run_id, conf = sys.argv[1:]
    return datetime.fromisoformat(when), run_id, json.loads(conf)


def collect_garbage_again() -> None:
    """The collector works again once the first stage begins; what was loaded until then is there to stay."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _die_with_parent() -> None:
    """Ends this process at once when whoever holds the other end of its standard input is gone, however it
    went.
    """

    def wait() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock would be held when the interpreter ends
            pass
        os._exit(70)

    threading.Thread(target=wait, daemon=True).start()


def _run(file: str) -> int:
    """Runs the file as if Python had been started with it; the code it ends with."""
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(file).parent)
    try:
        runpy.run_path(file, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """Ends as Python does, but without taking apart all that was loaded: that takes two seconds."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    # Python would look for garbage some hundred times while it loads Airflow, and find none.
    gc.disable()
    _die_with_parent()
    _end(_run(sys.argv[1]))
