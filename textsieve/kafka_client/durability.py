"""How a topic is made so that what is acked outlives any one broker."""

REPLICAS = 3  # one broker may fail while another is being restarted


def replicas_on(brokers: int, *, at_least: int = REPLICAS) -> int:
    """Replicas of a new topic: so many, if there are brokers enough."""
    return max(1, min(at_least, brokers))


def durable_configs(replicas: int) -> dict[str, str]:
    """Options of a new topic with so many replicas."""
    return {
        "min.insync.replicas": str(max(1, min(2, replicas - 1))),  # acked by one broker alone would be lost with it
        "unclean.leader.election.enable": "false",
    }


def durable_shape(brokers: int) -> dict[str, object]:
    """Replication of a new topic, as the admin client takes it."""
    replicas = replicas_on(brokers)
    return {"replication_factor": replicas, "configs": durable_configs(replicas)}
