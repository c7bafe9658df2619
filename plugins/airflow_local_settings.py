"""What Airflow's scheduler and Celery's workers load once, for the tasks that they fork: a task then begins with it there.

Belongs here: which modules, for which processes. Airflow imports a module of this name as each of its commands begins. To load
them anew took each stage of a night a second of processor time, and each that judges rows two more.
"""

from __future__ import annotations

import importlib
import sys

__all__: list[str] = []  # no setting of Airflow's is changed

_FORK_TASKS = (["scheduler"], ["celery", "worker"])
_OF_A_STAGE = ("case_closure.night.run", "case_closure.gates.engine", "case_closure.gates.suites")

if any(sys.argv[1 : 1 + len(command)] == command for command in _FORK_TASKS):
    for name in _OF_A_STAGE:
        importlib.import_module(name)
