"""One static page of all releases, and an Atom feed of them."""
