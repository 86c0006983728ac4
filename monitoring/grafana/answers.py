"""Are the answers what they were, and do the clusters live: the rows Predictions and Clusters."""

from monitoring.grafana.panels import PER_SECOND, Look, Query, Section, View
from monitoring.grafana.queries import RATE, S, buckets, grown, quantile, rate

PREDICTIONS = Section(
    "Predictions",
    [
        View(
            "Labels",
            "Share of each label among the results.",
            "percentunit",
            [
                Query(
                    f"{rate('predictions_total', by='label')} / on () group_left () {rate('predictions_total', by='')}",
                    "{{label}}",
                )
            ],
            Look.STACK,
            top=1,
            width=8,
        ),
        View(
            "Confidence",
            "Score of the winning label, all results.",
            "percentunit",
            [buckets("prediction_confidence_ratio")],
            Look.HEATMAP,
            width=8,
        ),
        View(
            "Low confidence",
            "Share of results whose winning score is below 0.6.",
            "percentunit",
            [Query(f"{rate('low_confidence_messages_total', by='')} / {rate('predictions_total', by='')}", "unsure")],
            width=8,
        ),
        View(
            "Drift",
            "Population stability index of the newest messages against the first ones: above 0.1 look, above 0.25 the"
            " stream has shifted. The worst worker.",
            "none",
            [Query(f"max by (signal) (textsieve_drift_psi{{{S}}})", "{{signal}}")],
            watch=0.1,
            shift=0.25,
            width=12,
        ),
        View(
            "Drift window",
            "Messages that the newest window holds; below 1000 the index says little.",
            "short",
            [Query(f"min by (worker) (textsieve_drift_window_messages{{{S}}})", "{{worker}}")],
            width=12,
        ),
    ],
)
CLUSTERS = Section(
    "Clusters",
    [
        View(
            "Weight of the clusters",
            "Messages each cluster holds, decayed if a half life is set. All workers share them.",
            "short",
            [Query(f"max by (cluster) (textsieve_cluster_members{{{S}}}) > 0", "{{cluster}}")],
            Look.STACK,
        ),
        View(
            "Clusters that grow",
            "Messages that the five fastest of them gained lately: what the stream is about now.",
            "short",
            [
                Query(
                    f"topk(5, max by (cluster) (delta(textsieve_cluster_members{{{S}}}{RATE})) > 0)",
                    "{{cluster}}",
                )
            ],
        ),
        View(
            "Active and dormant",
            "Dormant clusters hold less than 1 % of an even share.",
            "none",
            [Query(f"max by (state) (textsieve_clusters{{{S}}})", "{{state}}")],
            Look.STACK,
        ),
        View(
            "Distance",
            "From a text to its centroid; a rising right tail is something new.",
            "none",
            [
                Query(quantile(0.5, "cluster_distance"), "50 %"),
                Query(quantile(0.95, "cluster_distance"), "95 %"),
            ],
        ),
        View(
            "Inertia",
            "Mean squared distance of the messages between two checkpoints.",
            "none",
            [Query(f"avg(textsieve_cluster_inertia{{{S}}})", "inertia")],
        ),
        View(
            "Movement of centroids",
            "How far the centroid that moved most moved at a learn, 95 of 100 times.",
            "none",
            [Query(quantile(0.95, "centroid_shift"), "95 %")],
        ),
        View(
            "Since the last learn",
            "Seconds since a worker told the store what it had seen. It grows on an idle stream, too.",
            "s",
            [
                Query(
                    f"time() - max by (worker) (textsieve_centroid_last_sync_timestamp_seconds{{{S}}})",
                    "{{worker}}",
                )
            ],
        ),
        View(
            "Centroid version",
            "Version that each worker labels with.",
            "none",
            [Query(f"max by (worker) (textsieve_centroid_version{{{S}}})", "{{worker}}")],
        ),
        View(
            "Store round trips, 95 %",
            "Reading and writing the centroids.",
            "s",
            [Query(quantile(0.95, "centroid_sync_duration_seconds", by="operation"), "{{operation}}")],
        ),
        View(
            "Store errors, conflicts, losses",
            "Learns without a store, races lost, repairs of a store that forgot something, workers that miss it now.",
            "none",
            [
                Query(grown("centroid_sync_errors_total", by="job"), "errors"),
                Query(grown("centroid_sync_conflicts_total", by="job"), "conflicts"),
                Query(grown("centroid_losses_total", by="job"), "losses"),
                Query(f"count(textsieve_store_up{{{S}}} == 0) or vector(0)", "workers that miss it"),
            ],
            Look.BARS,
        ),
        View(
            "Learned",
            "Results newly counted in the clusters.",
            PER_SECOND,
            [Query(rate("learned_messages_total", by="worker"), "{{worker}}")],
        ),
        View(
            "Not yet learned",
            "Memory of results that the store does not know yet.",
            "bytes",
            [Query(f"sum by (worker) (textsieve_pending_bytes{{{S}}})", "{{worker}}")],
        ),
        View(
            "Given up by the clusters",
            "Results that will never be counted, because the store was away for too long; 0 is the only good number.",
            "none",
            [Query(grown("unlearned_messages_total", by="worker"), "{{worker}}")],
            Look.BARS,
        ),
    ],
)
