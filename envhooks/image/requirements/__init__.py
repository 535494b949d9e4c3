"""Requirements: requirement, lock and environment files of every packaging tool, read into one form."""
