"""Shell: the commands and words of a RUN instruction."""
