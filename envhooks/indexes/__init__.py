"""Package indexes, asked by a person: the releases of a package and their metadata, and the table made of them."""
