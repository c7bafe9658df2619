"""The stages of a night: pure functions from tables to tables.

Belongs here: one module a stage, each with a part that makes the facts a gate judges (``facts``) and a part
that draws the consequences (``conclude``). Same inputs, same outputs, whatever the order of rows.
Does not belong here: files, SQL, Great Expectations, Airflow, clocks. The night's shell brings those together.
"""
