"""What comes in: a contract for each file of the landing zone, its manifest, and reading.

Belongs here: anything needed to say whether a night's folder is whole, and to hand its rows on unchanged.
Does not belong here: judging rows (see `gates`) or deciding anything about a case (see `stages`).
"""
