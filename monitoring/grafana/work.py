"""Are they fast, and is the device used well: the rows Latency, Batching and model, and Runtime."""

from monitoring.grafana.panels import Look, Query, Section, View
from monitoring.grafana.queries import RATE, S, buckets, grown, quantile, rate

LATENCY = "end_to_end_latency_seconds"
FULL, PADDING, HIT = ', cause="full"', ', kind="padding"', ', result="hit"'

LATENCY_ROW = Section(
    "Latency",
    [
        View(
            "Latency",
            "From a message's timestamp until its answer is acked. The dots are exemplars: each names the slowest"
            " message of a batch by topic, partition and offset.",
            "s",
            [
                Query(quantile(0.5, LATENCY), "50 %", exemplar=True),
                Query(quantile(0.95, LATENCY), "95 %"),
                Query(quantile(0.99, LATENCY), "99 %"),
            ],
            width=8,
            shift=1,
        ),
        View(
            "Latency, all messages",
            "How many messages took how long.",
            "s",
            [buckets(LATENCY)],
            Look.HEATMAP,
            8,
        ),
        View(
            "Stage times",
            "Seconds of each second spent in a step of the loop, mean of the workers; 1 is a worker without rest.",
            "s",
            [
                Query(
                    f"{rate('stage_duration_seconds_sum', by='stage')} / on () group_left () count(up{{{S}}} == 1)",
                    "{{stage}}",
                )
            ],
            Look.STACK,
            8,
        ),
        View(
            "Stages, 95 %",
            "95 of 100 batches needed less than this in a step.",
            "s",
            [Query(quantile(0.95, "stage_duration_seconds", by="stage"), "{{stage}}")],
        ),
        View(
            "Busy",
            "Share of the loop's time: work, polls that brought messages, and waiting with nothing to do.",
            "percentunit",
            [
                Query(
                    f"{rate('busy_seconds_total', by='state')}"
                    f" / on () group_left () {rate('busy_seconds_total', by='')}",
                    "{{state}}",
                )
            ],
            Look.STACK,
            top=1,
        ),
        View(
            "Since the last batch",
            "Seconds since a worker finished one. It grows on an idle stream, too: look at the lag with it.",
            "s",
            [Query(f"time() - max by (worker) (textsieve_last_progress_timestamp_seconds{{{S}}})", "{{worker}}")],
        ),
        View(
            "In flight and unaccounted",
            "Messages of the batches in hand, and messages consumed that ended nowhere: the latter is always 0.",
            "short",
            [
                Query(f"sum(textsieve_in_flight_messages{{{S}}})", "in flight"),
                Query(
                    f"sum(textsieve_consumed_messages_total{{{S}}}) - sum(textsieve_processed_messages_total{{{S}}})"
                    f" - sum(textsieve_in_flight_messages{{{S}}})",
                    "unaccounted",
                ),
                Query(grown("clock_skew_messages_total", by="job"), "clock skew"),
            ],
        ),
    ],
)
MODEL = Section(
    "Batching and model",
    [
        View(
            "Batches",
            "Messages per iteration: single ones on an idle stream, full batches on a busy one.",
            "short",
            [
                Query(
                    f"{rate('batch_messages_sum', by='')} / {rate('batch_messages_count', by='')}",
                    "mean",
                ),
                Query(quantile(0.95, "batch_messages"), "95 %"),
            ],
        ),
        View(
            "Full batches",
            "Share of the batches that took all they might; near 1 the workers are at their limit.",
            "percentunit",
            [
                Query(
                    f"{rate('batch_flush_total', by='', where=FULL)} / {rate('batch_flush_total', by='')}",
                    "full",
                )
            ],
            top=1,
        ),
        View(
            "Tokens",
            "Tokens in device batches per second; padding is paid for like a real token.",
            "suffix: tokens/s",
            [Query(rate("tokens_total", by="kind"), "{{kind}}")],
            Look.STACK,
        ),
        View(
            "Padding",
            "Share of the tokens that is padding.",
            "percentunit",
            [
                Query(
                    f"{rate('tokens_total', by='', where=PADDING)} / {rate('tokens_total', by='')}",
                    "padding",
                )
            ],
            top=1,
        ),
        View(
            "Device passes, 95 %",
            "Time of one pass through the network, and of tokenising a batch.",
            "s",
            [Query(quantile(0.95, "model_duration_seconds", by="step"), "{{step}}")],
        ),
        View(
            "Tokens per text",
            "What was read of them; and the share of texts that were longer than model.max_windows windows.",
            "short",
            [
                Query(quantile(0.5, "input_tokens"), "50 %"),
                Query(quantile(0.99, "input_tokens"), "99 %"),
                Query(grown("truncated_messages_total", by="job"), "truncated"),
            ],
        ),
        View(
            "Repeats and disguises",
            "Share of the texts that were answered from the cache: exact repeats, as in a campaign; and of those in"
            " disguised spelling.",
            "percentunit",
            [
                Query(
                    f"{rate('embedding_cache_requests_total', by='', where=HIT)}"
                    f" / {rate('embedding_cache_requests_total', by='')}",
                    "hits",
                ),
                Query(
                    f"{rate('obfuscated_messages_total', by='')} / {rate('predictions_total', by='')}",
                    "disguised",
                ),
            ],
            top=1,
        ),
        View(
            "Out of memory",
            "Device batches that did not fit and were halved.",
            "none",
            [Query(grown("out_of_memory_total", by="worker"), "{{worker}}")],
            Look.BARS,
        ),
        View(
            "GPU memory",
            "Of the CUDA device: used by anybody, reserved by the worker, in all. Empty where there is none.",
            "bytes",
            [Query(f"max by (worker, gpu, kind) (textsieve_gpu_memory_bytes{{{S}}})", "{{worker}} {{gpu}} {{kind}}")],
            width=12,
        ),
        View(
            "GPU busy",
            "Share of time in which the device computed. Empty without CUDA or without nvidia-ml-py.",
            "percentunit",
            [Query(f"max by (worker, gpu) (textsieve_gpu_utilization_ratio{{{S}}})", "{{worker}} {{gpu}}")],
            top=1,
            width=12,
        ),
    ],
)
RUNTIME = Section(
    "Runtime",
    [
        View(
            "CPU",
            "Cores that each worker keeps busy.",
            "short",
            [Query(f"sum by (worker) (rate(process_cpu_seconds_total{{{S}}}{RATE}))", "{{worker}}")],
        ),
        View(
            "Memory",
            "Resident memory of each worker.",
            "bytes",
            [Query(f"sum by (worker) (process_resident_memory_bytes{{{S}}})", "{{worker}}")],
        ),
        View(
            "Garbage collections",
            "Per second, by Python's generation.",
            "cps",
            [
                Query(
                    f"sum by (generation) (rate(python_gc_collections_total{{{S}}}{RATE}))", "generation {{generation}}"
                )
            ],
        ),
        View(
            "Versions",
            "Software and model of each worker; more than one line of a kind is a roll-out, or machines that chose"
            " different engines.",
            "none",
            [
                Query(
                    f"count by (version, python, torch) (textsieve_build_info{{{S}}})",
                    "textsieve {{version}}, Python {{python}}, torch {{torch}}",
                ),
                Query(
                    f"count by (name, version, max_tokens, engine) (textsieve_model_info{{{S}}})",
                    "model {{name}} {{version}}, {{engine}}",
                ),
            ],
            Look.TABLE,
        ),
    ],
    collapsed=True,
)
