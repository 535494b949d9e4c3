"""Git: the one reader of repositories, by plumbing and object ids; and changes to the repository of a person."""
