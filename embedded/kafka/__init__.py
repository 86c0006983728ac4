"""Apache Kafka on this machine: brokers of our own, from jars that are pinned."""
