"""What comes in: the folder of a night, its manifest, and reading.

Belongs here: anything needed to say whether a night's folder is whole, and to hand its rows on unchanged.
Does not belong here: what a file must look like (`tables.landed`), judging rows (`gates`), deciding about a case (`stages`).
"""
