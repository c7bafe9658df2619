"""What goes out: the files of a night's outbound folder.

Belongs here: turning what the store holds into files. Does not belong here: deciding, or reading the store.
"""
