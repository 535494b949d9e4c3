"""Build stages: what is installed in one, and how its shell session stands."""
