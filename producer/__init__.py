"""Feeds a topic with texts: files, standard input or a generated scenario, at a given rate."""
