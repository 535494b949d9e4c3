"""Access to the files of a tree, places in them, and marks for text that is not known."""
