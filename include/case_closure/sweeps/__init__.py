"""What is done between nights, again and again: letters that wait to be sent are sent, what got stuck is told.

Belongs here: work that looks for what is due and does it, once each. Does not belong here: a night's stages (``night``), what a
person asks for (``desk``).
"""
