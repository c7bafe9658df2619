"""What comes in: the folder of a night, its manifest, and reading.

Belongs here: anything needed to say whether a night's folder is whole, and to hand its rows on unchanged. What a file must look
like is a shape (`tables.landed`). Does not belong here: judging rows (see `gates`) or deciding anything about a case (see
`stages`).
"""
