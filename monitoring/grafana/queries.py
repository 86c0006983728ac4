"""PromQL over the workers that the dashboard's variables choose."""

from monitoring.grafana.panels import Query

S = 'job="$job", worker=~"$worker"'
RATE = "[$__rate_interval]"


def rate(metric: str, *, by: str, where: str = "") -> str:
    """The summed rate of a counter of all chosen workers."""
    grouping = f"by ({by}) " if by else ""
    return f"sum {grouping}(rate(textsieve_{metric}{{{S}{where}}}{RATE}))"


def quantile(share: float, histogram: str, *, by: str = "", where: str = "") -> str:
    """A quantile over all chosen workers."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share:g}, {rate(f'{histogram}_bucket', by=labels, where=where)})"


def grown(metric: str, *, by: str) -> str:
    """By how much a counter of rare events grew."""
    return f"sum by ({by}) (increase(textsieve_{metric}{{{S}}}{RATE}))"


def buckets(histogram: str) -> Query:
    """The input of a heatmap."""
    return Query(f"sum by (le) (increase(textsieve_{histogram}_bucket{{{S}}}{RATE}))", "{{le}}")
