"""Several models or clusterings on the same texts."""
