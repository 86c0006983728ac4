"""Is all well, and do messages flow: the rows Summary and Kafka."""

from monitoring.grafana.panels import PER_SECOND, Look, Query, Section, View
from monitoring.grafana.queries import S, grown, quantile, rate

LATENCY = "end_to_end_latency_seconds"
TOPIC = ', topic=~"$topic"'
DEAD, ANSWERED = ', outcome="dead_letter"', ', outcome=~"ok|dead_letter"'
DEAD_SHARE = (
    f"{rate('processed_messages_total', by='', where=DEAD)} / {rate('processed_messages_total', by='', where=ANSWERED)}"
)
LAG = f"sum by (topic) (max by (topic, partition) (textsieve_consumer_lag_messages{{{S}{TOPIC}}}))"

SUMMARY = Section(
    "Summary",
    [
        View(
            "Workers",
            "Workers that answer their scrapes.",
            "none",
            [Query(f"sum(up{{{S}}})")],
            Look.STAT,
            4,
            4,
            watch=1,
            shift=1,
            low_is_bad=True,
        ),
        View(
            "Messages",
            "Messages answered per second, by results and dead letters.",
            PER_SECOND,
            [Query(rate("produced_messages_total", by=""))],
            Look.STAT,
            4,
            4,
        ),
        View(
            "Latency, 99 %",
            "99 of 100 messages were answered within this time of their timestamp. The objective is one second.",
            "s",
            [Query(quantile(0.99, LATENCY))],
            Look.STAT,
            4,
            4,
            watch=1,
            shift=5,
        ),
        View(
            "Waiting",
            "Messages in Kafka that no worker has read yet.",
            "short",
            [Query(f"sum({LAG})")],
            Look.STAT,
            4,
            4,
            watch=1000,
            shift=10000,
        ),
        View(
            "Dead letters",
            "Share of the messages that cannot be labelled.",
            "percentunit",
            [Query(DEAD_SHARE)],
            Look.STAT,
            4,
            4,
            watch=0.001,
            shift=0.01,
        ),
        View(
            "Drift, worst",
            "Largest index of change in any signal of any worker: above 0.1 look, above 0.25 the stream has shifted.",
            "none",
            [Query(f"max(textsieve_drift_psi{{{S}}})")],
            Look.STAT,
            4,
            4,
            watch=0.1,
            shift=0.25,
        ),
    ],
)
KAFKA = Section(
    "Kafka",
    [
        View(
            "Messages in and out",
            "Read from the input topics, and acked by the broker as result or dead letter. In is above out when batches"
            " are read again.",
            PER_SECOND,
            [
                Query(rate("consumed_messages_total", by="worker", where=TOPIC), "{{worker}} in"),
                Query(rate("produced_messages_total", by="worker"), "{{worker}} out"),
            ],
            width=8,
        ),
        View(
            "Lag",
            "Messages not yet read. Each partition counts once, also while two workers export it.",
            "short",
            [Query(LAG, "{{topic}}")],
            width=8,
        ),
        View(
            "Lag in time",
            "Age of the oldest message that is not finished.",
            "s",
            [Query(f"max by (topic) (textsieve_consumer_lag_seconds{{{S}{TOPIC}}})", "{{topic}}")],
            width=8,
        ),
        View(
            "Outcomes",
            "How messages ended. `already_published` are repeats that were recognised, `dropped` will be read again.",
            PER_SECOND,
            [Query(rate("processed_messages_total", by="outcome"), "{{outcome}}")],
            Look.STACK,
        ),
        View(
            "Dead letters by reason",
            "Messages that cannot be labelled, by what is wrong with them.",
            PER_SECOND,
            [Query(f"{rate('dead_letter_messages_total', by='reason')} > 0", "{{reason}}")],
            Look.STACK,
        ),
        View(
            "Rebalances",
            "New generations of the group, partitions taken away, refusals by the group's coordinator.",
            "none",
            [Query(grown("rebalances_total", by="event"), "{{event}}")],
            Look.BARS,
        ),
        View(
            "Commits",
            "Offset commits per second.",
            "cps",
            [Query(rate("commits_total", by="outcome"), "{{outcome}}")],
        ),
        View(
            "Retries and produce errors",
            "Batches begun again, by what went wrong, and publishes that failed, by reason.",
            "none",
            [
                Query(grown("retries_total", by="operation"), "{{operation}}"),
                Query(grown("produce_errors_total", by="reason"), "error: {{reason}}"),
            ],
            Look.BARS,
        ),
        View(
            "Lag by partition",
            "A single high line is a key that is too popular.",
            "short",
            [
                Query(
                    f"max by (topic, partition) (textsieve_consumer_lag_messages{{{S}{TOPIC}}})",
                    "{{topic}}/{{partition}}",
                )
            ],
        ),
        View(
            "Partitions",
            "Partitions that each worker owns, and those of them that are set aside because they are sick.",
            "none",
            [
                Query(f"sum by (worker) (textsieve_assigned_partitions{{{S}}})", "{{worker}}"),
                Query(
                    f"count(textsieve_partition_set_aside{{{S}}}) or vector(0)",
                    "set aside",
                ),
            ],
            Look.STACK,
        ),
        View(
            "Bytes in",
            "Bytes of the values read.",
            "Bps",
            [Query(rate("consumed_bytes_total", by="topic", where=TOPIC), "{{topic}}")],
        ),
    ],
)
