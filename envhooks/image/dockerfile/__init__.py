"""Dockerfiles: instructions, stages, variables and their expansion, as BuildKit reads them."""
