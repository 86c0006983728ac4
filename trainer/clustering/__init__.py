"""Clusters made offline, and how good they are."""
