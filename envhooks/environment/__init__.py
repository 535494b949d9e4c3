"""Readers of the files that describe an environment: bytes -> facts. Nothing is run, nothing is fetched."""
