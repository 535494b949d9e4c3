"""envhooks: the release gate for repositories that publish deep-learning environments."""

__version__ = "0.2.0.dev0"
