"""What people do, whoever asks: a shell, a page, a DAG.

Belongs here: one module a subject; each gathers what it must know, rules on what is asked, stores it, and raises ``Refused`` in
words when it may not be. Does not belong here: arguments and terminals (``cli``), pages (``web``), what a night does (``night``).
"""
