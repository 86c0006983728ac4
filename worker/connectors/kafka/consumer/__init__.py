"""Reads topics: as a member of the consumer group, or outside any group."""
