"""Labelled texts: read, split, disguised, written."""
