"""Changelogs: entries, and the one that belongs to a tag."""
