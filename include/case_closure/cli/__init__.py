"""The command line, `case-closure`.

Belongs here: arguments, words on a terminal, exit codes. Does not belong here: what a command does (``desk``, ``night``,
``sweeps``, ``local``).
"""
