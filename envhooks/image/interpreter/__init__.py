"""Interpreter of Dockerfiles: instruction by instruction to the Environment of the product stage."""
