"""What makes one machine enough: the embedded PostgreSQL, Airflow's environment and processes, one run of the night followed.

Belongs here: starting and stopping processes, files in <home>. Does not belong here: what a night does (``night``), importing
Airflow (only DAG files and plugins do), SQL.
"""
