"""What the pages read: one module a page, each from the views that the person's role may read.

Belongs here: queries for pages, with their filters and their order. Does not belong here: words, layout (``web``), anything that
changes something (``desk``).
"""
