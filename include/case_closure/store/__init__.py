"""The one store: PostgreSQL, its tables, migrations, COPY, transactions and reporting views.

Belongs here: every line of SQL, what a transaction holds together. Does not belong here: decisions. Nothing here knows why a row
is written. This package alone imports sqlalchemy.

A value is bound, wherever it came from. What is composed into SQL are names and conditions of our own code, and such a line says
so to the linter (S608), with the reason where it is not plain.
"""
