"""What else wants to stand where the doors stand, one file for each: hook files, config hooks, husky."""
