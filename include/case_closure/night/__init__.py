"""The nightly process: the shell around its stages.

Belongs here: for each stage, gather what it needs, let it conclude, and commit; the guard that every stage passes; parts and
processes. Does not belong here: rules (``stages``, ``domain``), SQL (``store``), Airflow (``dags``).
"""
