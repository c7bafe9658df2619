"""The machinery around the night: Airflow's environment, its processes, one run of the night's DAG and what
a person sees of it.

Belongs here: starting and stopping processes, files in <home>, words on a terminal. Does not belong here:
what a night does (`night.py`), importing Airflow (only DAG files and plugins do), or SQL.
"""
