"""Shapes: what the rows that pass between rooms look like.

Belongs here: the contract of the landed files, frames and how they are read without loss, what a person's or a case's row is once
entries are applied. Does not belong here: reading (``landing``), SQL (``store``), judging (``stages``).
"""
