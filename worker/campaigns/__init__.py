"""Near-duplicates in a stream: which messages belong to one campaign, and which campaigns come in a burst."""
