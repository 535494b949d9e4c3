"""Installers: pip, uv, conda, poetry and system package managers, and what a command line of theirs installs."""
