"""Judgement: facts of a tag, findings of the checks, and the report of a run."""
