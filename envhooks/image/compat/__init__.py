"""Compatibility: an environment held against published facts."""
