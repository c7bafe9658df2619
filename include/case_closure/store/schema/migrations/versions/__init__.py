"""Numbered steps of the store's tables, oldest first; a step that has landed is never edited."""
