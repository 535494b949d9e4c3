"""Builds after the push: from a tag that the remote holds to an image, once."""
