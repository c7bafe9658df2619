"""What is said to a person who must act: the one base of every refusal in words.

Belongs here: the base alone. Does not belong here: a refusal of one subject, which stands beside what it refuses. The command
line and the DAGs each catch it once; anything else that is raised is a mistake of the program's.
"""

from __future__ import annotations


class Refused(Exception):
    """Something was not done. The message is for the person who asked: what, where, expected, found, what to do next.

    ``passes``: it may be over by itself, so that whatever can wait may try again.
    """

    passes = False
