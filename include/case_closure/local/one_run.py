"""What a DAG file needs to run itself once in its own process: its arguments, and an end when its parent
ends.

Belongs here: that contract between `nightly_run.py` (parent) and `dags/nightly.py` (child). Does not belong
here: Airflow.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import datetime
from typing import Any


def arguments() -> tuple[datetime, str, dict[str, Any]]:
    """The run's logical date, name and conf, from the command line: an ISO time, a text and a JSON object."""
    when, run_id, conf = sys.argv[1:]
    return datetime.fromisoformat(when), run_id, json.loads(conf)


def die_with_parent() -> None:
    """Ends this process at once when whoever holds the other end of its standard input is gone, however it
    went.
    """

    def wait() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock would be held when the interpreter ends
            pass
        os._exit(70)

    threading.Thread(target=wait, daemon=True).start()
