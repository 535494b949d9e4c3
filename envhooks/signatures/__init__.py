"""Signatures: payload + signature + allowed signers -> Verdict."""
