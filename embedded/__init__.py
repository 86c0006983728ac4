"""A broker and a store without Docker."""
