"""Every metric of a worker: its name, type, labels, unit, buckets and meaning; docs/metrics.md is made from it."""

from textsieve.worker.metrics.definition import (
    BATCH,
    CONFIDENCE,
    DISTANCE,
    LATENCY_SECONDS,
    LOW_CONFIDENCE,
    MAX_CLUSTERS,
    OTHER,
    OUTCOMES,
    SHIFT,
    SIGNALS,
    STAGE_SECONDS,
    STAGES,
    TOKENS,
    Kind,
    Metric,
    NotExported,
)

_C, _G, _H, _B, _I = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM, Kind.BATCH_HISTOGRAM, Kind.INFO

FLOW = (
    Metric("consumed_messages", _C, "messages", "Messages read from the input topics", "topic"),
    Metric("consumed_bytes", _C, "bytes", "Bytes of their values", "topic"),
    Metric(
        "processed_messages",
        _C,
        "messages",
        "Messages by how they ended: `ok` and `dead_letter` were published, `already_published` had been before,"
        " `skipped` get no answer (input.tombstones), `dropped` will be read again. At every scrape: consumed ="
        " processed + in flight",
        "outcome",
        OUTCOMES,
    ),
    Metric("in_flight_messages", _G, "messages", "Messages read, and not yet published or dropped"),
    Metric("produced_messages", _C, "messages", "Results and dead letters that the broker has acked", "topic"),
    Metric(
        "produce_errors",
        _C,
        "batches",
        "Publishes that failed, whatever of them landed",
        "reason",
        ("timeout", "too_large", "authorization", OTHER),
    ),
    Metric("dead_letter_messages", _C, "messages", "Dead letters published, by reason", "reason"),
    Metric(
        "end_to_end_latency_seconds",
        _B,
        "seconds",
        "Timestamp of a message until its answer is acked; carries the slowest message of a batch as exemplar",
        "timestamp_type",
        ("CreateTime", "LogAppendTime"),
        LATENCY_SECONDS,
    ),
    Metric("clock_skew_messages", _C, "messages", "Messages from the future, whose latency was counted as 0"),
    Metric(
        "retries",
        _C,
        "operations",
        "Batches begun again, by what went wrong; `store` retries keep their batch",
        "operation",
        ("publish", "store", "model", "ownership"),
    ),
)

GROUP = (
    Metric(
        "consumer_lag_messages",
        _G,
        "messages",
        "Messages not yet read, per partition owned",
        labels=("topic", "partition"),
    ),
    Metric(
        "consumer_lag_seconds",
        _G,
        "seconds",
        "Age of the oldest message not finished, per partition owned",
        labels=("topic", "partition"),
    ),
    Metric("assigned_partitions", _G, "partitions", "Partitions this worker owns"),
    Metric(
        "partition_set_aside",
        _G,
        "1",
        "1 for an owned partition that is not read because it is sick; the log says why",
        labels=("topic", "partition"),
    ),
    Metric(
        "rebalances",
        _C,
        "events",
        "New generations of the group with partitions for this worker, partitions taken away, and refusals by the"
        " group's coordinator",
        "event",
        ("assigned", "revoked", "lost"),
    ),
    Metric("commits", _C, "commits", "Offset commits", "outcome", ("ok", "error")),
    Metric("last_progress_timestamp_seconds", _G, "unix seconds", "Last finished batch, or the start before the first"),
)

WORK = (
    Metric(
        "stage_duration_seconds",
        _H,
        "seconds",
        "Steps of an iteration: `process` is decode, model, cluster and encode; `learn` and `commit` are checkpoints",
        "stage",
        STAGES,
        STAGE_SECONDS,
    ),
    Metric(
        "model_duration_seconds",
        _H,
        "seconds",
        "Inside `process`: tokenising a batch, and each device pass",
        "step",
        ("tokenize", "forward"),
        STAGE_SECONDS,
    ),
    Metric(
        "busy_seconds",
        _C,
        "seconds",
        "Time of the loop: polls that brought messages, work, and waiting with nothing to do",
        "state",
        ("poll", "work", "idle"),
    ),
    Metric("batch_messages", _H, "messages", "Messages per iteration", buckets=BATCH),
    Metric(
        "batch_flush",
        _C,
        "batches",
        "Why a batch was not larger: `full` took all it might, `drained` all there was",
        "cause",
        ("full", "drained"),
    ),
    Metric("input_tokens", _B, "tokens", "Tokens read of a text, in all its windows", buckets=TOKENS),
    Metric("tokens", _C, "tokens", "Tokens in device batches", "kind", ("real", "padding")),
    Metric("truncated_messages", _C, "messages", "Texts longer than all windows that are read (model.max_windows)"),
    Metric("obfuscated_messages", _C, "messages", "Texts in disguised spelling, which the model read without it"),
    Metric(
        "embedding_cache_requests",
        _C,
        "messages",
        "Texts looked up among the answers kept: a `hit` needs no forward pass, also where it repeats one of its batch",
        "result",
        ("hit", "miss"),
    ),
    Metric("out_of_memory", _C, "events", "Device batches halved because the memory was full"),
    Metric(
        "gpu_memory_bytes",
        _G,
        "bytes",
        "Memory of the CUDA device",
        labels=("gpu", "kind"),
        where="the model runs on CUDA",
    ),
    Metric(
        "gpu_utilization_ratio",
        _G,
        "0..1",
        "Share of time in which the CUDA device was busy",
        "gpu",
        where="the model runs on CUDA and nvidia-ml-py is installed",
    ),
)

PREDICTIONS = (
    Metric("predictions", _C, "messages", "Results published, by label", "label"),
    Metric("prediction_confidence_ratio", _B, "0..1", "Score of the winning label", buckets=CONFIDENCE),
    Metric("low_confidence_messages", _C, "messages", f"Results whose winning score is below {LOW_CONFIDENCE}"),
    Metric(
        "drift_psi",
        _G,
        "index",
        "Population stability index of the newest messages against the first ones after the start, 0 until both"
        " windows are full; above 0.1 look, above 0.25 it has shifted",
        "signal",
        SIGNALS,
    ),
    Metric("drift_window_messages", _G, "messages", "Messages in the newest window; the index means little below 1000"),
)

CLUSTERS = (
    Metric(
        "clusters",
        _G,
        "clusters",
        "Clusters by weight: `dormant` ones hold less than 1 % of an even share",
        "state",
        ("active", "dormant"),
    ),
    Metric(
        "cluster_members",
        _G,
        "messages",
        f"Weight of each cluster, decayed if a half life is set; beyond {MAX_CLUSTERS} clusters the last slot is the"
        " rest. The same for all workers: take the maximum, never the sum",
        "cluster",
    ),
    Metric("cluster_distance", _B, "Euclidean, 0..2", "Distance to the nearest centroid", buckets=DISTANCE),
    Metric(
        "cluster_inertia",
        _G,
        "Euclidean squared",
        "Mean squared distance to the nearest centroid, since the checkpoint before",
    ),
    Metric("centroid_shift", _H, "Euclidean", "How far the centroid that moved most moved at a learn", buckets=SHIFT),
    Metric(
        "centroid_sync_duration_seconds",
        _H,
        "seconds",
        "Round trips to the store",
        "operation",
        ("pull", "push"),
        STAGE_SECONDS,
    ),
    Metric("centroid_sync_errors", _C, "events", "Learns that failed because the store was away"),
    Metric("centroid_sync_conflicts", _C, "events", "Races for the centroids lost and repeated"),
    Metric("centroid_losses", _C, "events", "Times the store forgot something and was repaired"),
    Metric("store_up", _G, "0 or 1", "The last exchange with the store succeeded"),
    Metric("centroid_last_sync_timestamp_seconds", _G, "unix seconds", "Last successful learn, or the start"),
    Metric("centroid_version", _G, "number", "Version of the centroids in use"),
    Metric("learned_messages", _C, "messages", "Results newly counted in the clusters"),
    Metric(
        "unlearned_messages",
        _C,
        "messages",
        "Results that the clusters will never count: the store was away for longer than `clusters.max_pending_bytes`"
        " lasts",
    ),
    Metric("pending_bytes", _G, "bytes", "Memory of results not yet learned"),
)

IDENTITY = (
    Metric(
        "model",
        _I,
        "1",
        "The model that answers, and the engine that runs it",
        labels=("name", "version", "max_tokens", "engine"),
    ),
    Metric("build", _I, "1", "Software versions", labels=("version", "python", "torch")),
)

GROUPS = {
    "Flow": FLOW,
    "Consumer group": GROUP,
    "Work and model": WORK,
    "Predictions": PREDICTIONS,
    "Clusters": CLUSTERS,
    "Identity": IDENTITY,
}
CATALOGUE = {metric.name: metric for group in GROUPS.values() for metric in group}

NOT_EXPORTED = (
    NotExported("queue_wait_seconds, queue_messages, queue_capacity_messages", "there is no queue: a poll is a batch"),
    NotExported("outcome `cached`", "a message answered from the cache is `ok`; the cache counts its own requests"),
    NotExported(
        "duplicate_messages_total",
        "redelivered messages are the outcome `already_published`; equal texts are hits of the cache",
    ),
    NotExported("stages decode, cluster, encode", "they are inside `process`, not measured one by one"),
    NotExported("cluster_assignments_total", "novelty is not judged; the right tail of the distance shows it"),
    NotExported("cluster_reassignments_total", "clusters are neither split nor merged"),
    NotExported("cluster_bursts", "bursts are not detected"),
    NotExported(
        "model_info labels task, revision, dtype, device",
        "the version of a model is its revision, its engine names the arithmetic; a GPU has metrics where it is used",
    ),
    NotExported("outcome `skipped`", "no message is skipped: it is answered, or read again"),
    NotExported("batch_flush_total cause `deadline`", "a poll takes what is there and waits for nothing more"),
    NotExported("assigned_partitions label topic", "the lag has a series for each partition owned, with its topic"),
    NotExported("build_info label revision", "an installed package does not know the commit it was made from"),
)
