"""What consumer and producer share about the consumer group."""
