"""Is all well, in words: one panel that says so, or what is wrong."""

from monitoring.grafana.flow import DEAD_SHARE, LATENCY
from monitoring.grafana.panels import Look, Query, View
from monitoring.grafana.queries import RATE, S, quantile

LOOK, ACT = 1, 2  # yellow: somebody should look today; red: now

STANDS_STILL = (
    f"max((time() - textsieve_last_progress_timestamp_seconds{{{S}}} > 120)"
    f" and on (job, instance) sum by (job, instance) (textsieve_consumer_lag_messages{{{S}}}) > 0)"
)
# What can be wrong, the worst first: the words, how bad it is, and a query that has a value only while it is so.
WRONG = (
    ("no worker answers", ACT, f"absent(up{{{S}}} == 1)"),
    ("messages wait and a worker stands still", ACT, STANDS_STILL),
    ("a partition is set aside", ACT, f"max(textsieve_partition_set_aside{{{S}}}) == 1"),
    (
        "answers cannot be published",
        ACT,
        f"sum(increase(textsieve_produce_errors_total{{{S}}}{RATE})) > 0",
    ),
    ("the oldest message waits for over a minute", LOOK, f"max(textsieve_consumer_lag_seconds{{{S}}}) > 60"),
    ("answers take longer than 5 s", LOOK, f"{quantile(0.99, LATENCY)} > 5"),
    ("more than 1 % of the messages cannot be labelled", LOOK, f"{DEAD_SHARE} > 0.01"),
    (
        "the stream is not what it was",
        LOOK,
        f"max(textsieve_drift_psi{{{S}}} and on (job, instance) textsieve_drift_window_messages{{{S}}} >= 1000) > 0.25",
    ),
    ("the store is away: clusters do not learn", LOOK, f"count(textsieve_store_up{{{S}}} == 0)"),
)
ANYTHING_WRONG = " or ".join(f"({query})" for _, _, query in WRONG)


def _told(words: str, severity: int, query: str) -> Query:
    return Query(f"({query}) * 0 + {severity}", words)


VERDICT = View(
    "Is all well?",
    "Green: all is well. Else what is wrong, red for now and yellow for today; the panels below show where. An alert"
    " follows where it lasts.",
    "none",
    [
        Query(f"vector(0) unless on () ({ANYTHING_WRONG})", "all is well"),
        *(_told(words, severity, query) for words, severity, query in WRONG),
    ],
    Look.WORDS,
    24,
    4,
    watch=LOOK,
    shift=ACT,
)
