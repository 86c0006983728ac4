"""What the measurement on a device says of agreement and rates is right."""

import json

import numpy as np
import pytest
import torch
from rich.console import Console

from benchmarks.gpu.__main__ import show
from benchmarks.gpu.agreement import compared
from benchmarks.gpu.device import Device, slug
from benchmarks.gpu.rounds import rates
from textsieve.worker.records import Predictions

CPU = Device(torch.device("cpu"), "default")


def _predictions(probabilities, embeddings):
    rows = len(probabilities)
    return Predictions(
        np.asarray(probabilities, np.float32),
        np.asarray(embeddings, np.float32),
        token_counts=np.full(rows, 7),
        truncated=np.zeros(rows, np.bool_),
    )


def test_what_agrees_loses_nothing():
    answers = _predictions([[0.9, 0.1], [0.2, 0.8]], [[1, 0], [0, 1]])

    told = compared(answers, answers)

    assert (1.0, 0.0, 1.0, 0.0) == tuple(
        told[name] for name in ("label_agreement", "expected_loss", "min_cosine", "largest_difference")
    )


def test_the_loss_is_counted_in_the_probabilities_of_float32():
    exact = _predictions([[0.6, 0.4], [0.2, 0.8]], [[1, 0], [0, 1]])
    answers = _predictions([[0.3, 0.7], [0.2, 0.8]], [[0.6, 0.8], [0, 1]])

    told = compared(answers, exact)

    assert pytest.approx((0.5, 0.1, 0.6, 0.3), abs=1e-6) == tuple(
        told[name] for name in ("label_agreement", "expected_loss", "min_cosine", "largest_difference")
    )


def test_the_texts_that_agreement_was_taken_on_are_told_to_have_one_label_only():
    alike = _predictions([[0.6, 0.4], [0.8, 0.2]], [[1, 0], [0, 1]])

    assert 0.0 == compared(alike, alike)["rarest_label_share"]


def test_rates_count_whole_laps_of_every_arm():
    laps = {"one": 0, "two": 0}

    def lap(name):
        laps[name] += 1

    found = rates(
        CPU,
        {name: lambda name=name: lap(name) for name in laps},
        units={"one": 1, "two": 2},
        rounds=3,
        seconds=0.0,
        seed=1,
    )

    assert {"one": 4, "two": 4} == laps  # one that is not timed, and one in each round
    assert all(3 == len(spread.rounds) for spread in found.values())


def test_what_a_run_finds_can_be_printed_where_sections_failed():
    rate = {"median": 10.0, "lowest": 9.0, "highest": 11.0, "rounds": [9.0, 10.0, 11.0]}
    child = {"messages_per_second": rate, "cores": {"workers": 1.0}, "ran_dry": True, "device_busy": [None]}
    found = {
        "about": {"machine": {"device": "NVIDIA Something"}},
        "roof": {"fault": "RuntimeError: no"},
        "workers": {
            "1 worker": {**child, "device_mib": 1.0, "ready_seconds": 2.0},
            "2 workers": {"fault": "it ended"},
        },
        "loops": {"largest_difference": 0.1, "polls of 10": {"predictor": rate}},
    }
    console = Console(record=True, width=200)

    show(json.loads(json.dumps(found)), console)

    text = console.export_text()
    assert all(word in text for word in ("no", "1 worker", "it ended", "predictor"))


def test_a_device_becomes_part_of_a_file_name():
    assert "nvidia-h100-80gb-hbm3" == slug("NVIDIA H100 80GB HBM3")
