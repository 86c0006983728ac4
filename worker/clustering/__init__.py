"""Shared clusters that are learned online."""
