"""The worker's doors to Kafka, Redis and HTTP."""
