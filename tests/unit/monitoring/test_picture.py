"""What the picture of the dashboard shows is what Prometheus said."""

import numpy as np

from monitoring.grafana.drawing import Line, on_grid
from monitoring.grafana.picture import _marks


def test_where_a_stacked_line_has_no_value_it_is_zero_and_no_slope():
    line = Line("worker-1", np.asarray([0.0, 1.0, 2.0, 6.0]), np.asarray([5.0, 5.0, np.nan, 7.0]))

    row = on_grid(line, np.arange(0.0, 8.0))

    assert [5, 5, 0, 0, 0, 0, 7, 0] == row.tolist()


def test_an_alert_is_marked_where_it_first_fired_unless_it_did_so_before():
    series = [
        {"metric": {"alertname": f"Textsieve{name}"}, "values": [[seconds, "1"]]}
        for name, seconds in (("Drift", 130), ("NoWorkers", 100), ("WorkerDown", 120), ("Drift", 110))
    ]

    marks = _marks(lambda _: series, 100)

    assert {"Drift": 10, "WorkerDown": 20} == marks
    assert ["Drift", "WorkerDown"] == list(marks)
