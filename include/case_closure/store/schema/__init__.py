"""What the store is made of: tables, views, migrations, and the dictionary written from them.

Belongs here: definitions. Does not belong here: reading or writing rows (``store``).
"""
