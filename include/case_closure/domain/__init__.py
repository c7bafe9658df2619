"""The vocabulary and the rulings, as pure Python.

Belongs here: creditors and buckets, NINO, postcode, names, dates, outcomes, letters, rule codes, decision tables.
Does not belong here: files, frames read from anywhere, databases, Great Expectations, Airflow.
"""
