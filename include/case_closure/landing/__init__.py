"""What comes in: the folder of a night, its manifest, and reading.

Belongs here: anything needed to say whether a night's folder is whole, and to hand its rows on unchanged.
Does not belong here: what a file must look like, which is a shape (`tables.landed`); judging rows (see `gates`) or deciding
anything about a case (see `stages`).
"""
