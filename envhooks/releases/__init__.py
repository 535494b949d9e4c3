"""Releases of a repository as they stand: every release tag with its environment and its verdict."""
