"""The one store: PostgreSQL, its tables, migrations, COPY, transactions and reporting views.

Belongs here: every line of SQL, what a transaction holds together. Does not belong here: decisions. Nothing here knows why a
row is written. This package alone imports sqlalchemy.
"""
