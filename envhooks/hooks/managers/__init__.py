"""Other hook managers that compete for the same hooks, and the wiring beside each."""
