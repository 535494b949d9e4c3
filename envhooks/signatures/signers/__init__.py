"""Signers: who may sign, read from the trust root, and the management of that list."""
