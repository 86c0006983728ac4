"""Measurements that are taken seldom, each by one script, each with its results beside it."""
