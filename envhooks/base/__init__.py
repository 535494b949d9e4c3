"""Foundation: errors, escaping, small data classes, and the words that every package shares."""
