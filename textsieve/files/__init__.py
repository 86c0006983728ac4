"""Reads the rows of files as people have them: CSV, TSV, JSON and plain lines, packed or piped, in any encoding."""
