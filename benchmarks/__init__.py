"""What the gate costs, measured side by side with what it replaces. Run by hand: `make bench`."""
