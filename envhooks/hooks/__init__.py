"""Hooks: what git tells them, their entry, and their installation beside other hook managers."""
