"""A report that was kept is believed where it makes sense for the search that reads it."""

from dataclasses import replace

import msgspec
import pytest
from structlog.testing import capture_logs

from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.engine_builder import EngineBuilder
from textsieve.worker.inference.cpu_info import this_cpu
from textsieve.worker.inference.engines.report import ONNX_FP32, ONNX_INT8, REFERENCE, EngineReport, Trial

ALLOWED = (ONNX_FP32, ONNX_INT8)
BROKEN = (Trial("onnx fp32", 10.0), Trial("onnx int8", fault="no such operator"))
TRIALS = (Trial("onnx fp32", 10.0), Trial("onnx int8", 20.0))
REPORT = EngineReport("onnx", "int8", "the fastest", 256, 1, TRIALS, settled=True)


def test_a_report_of_the_search_has_no_fault():
    assert "" == REPORT.fault(ALLOWED)


def test_the_best_so_far_needs_no_trials_of_all():
    assert "" == replace(REPORT, trials=(), settled=False).fault(ALLOWED)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"engine": "torch"}, "torch int8, which is none of onnx fp32, onnx int8"),
        ({"max_batch_tokens": 0}, "device batches of 0 tokens"),
        ({"max_batch_tokens": 10**9}, "device batches of 1000000000 tokens"),
        ({"trials": ()}, "trials of nothing"),
        (
            {"trials": BROKEN},
            "onnx int8, which did not run",
        ),
    ],
)
def test_what_makes_no_sense_is_named(changes, expected):
    assert expected == replace(REPORT, **changes).fault(ALLOWED)


@pytest.mark.parametrize("content", [b"{}", msgspec.json.encode(replace(REPORT, max_batch_tokens=-1))])
def test_nonsense_that_was_kept_is_ignored_with_one_warning(content, tmp_path):
    artifacts = ArtifactCache(tmp_path)
    artifacts.put("choice-0", content)
    builder = EngineBuilder(None, artifacts, this_cpu())

    with capture_logs() as lines:
        found = [builder.stored("choice-0", allowed=[REFERENCE, *ALLOWED]) for _ in range(3)]

    assert [None] * 3 == found
    assert ["warning"] == [line["log_level"] for line in lines]
