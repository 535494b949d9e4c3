"""Images: what a Dockerfile at one commit would build, as far as its files say."""
