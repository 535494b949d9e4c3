"""Wire formats of signatures: OpenPGP packets, SSH blobs and ASCII armor, parsed strictly."""
