"""Nested results become rows and columns."""

from benchmarks.tables import table

RATE = {"median": 1234.5, "lowest": 9.25, "rounds": [9.25, 1234.5]}


def test_what_holds_figures_is_a_row_under_the_names_above_it():
    drawn = table("rates", {"polls of 10": {"loop": RATE, "predictor": {**RATE, "busy": None}}})

    assert ["", "median", "lowest", "busy"] == [column.header for column in drawn.columns]
    assert ["polls of 10, loop", "polls of 10, predictor"] == list(drawn.columns[0].cells)
    assert ["1,234", "1,234"] == list(drawn.columns[1].cells)
    assert ["", "None"] == list(drawn.columns[3].cells)


def test_figures_within_a_row_keep_their_own_names():
    drawn = table("workers", {"1 worker": {"ran_dry": False, "rate": RATE, "messages": 20_000}})

    assert ["", "ran dry", "rate median", "rate lowest", "messages"] == [column.header for column in drawn.columns]
    assert ["20,000"] == list(drawn.columns[4].cells)
