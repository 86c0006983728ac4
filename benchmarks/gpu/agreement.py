"""What an arithmetic changes: the answers on the device beside those of torch in float32 on the CPU."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.device import Device
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import NoMeter
from textsieve.worker.records import Predictions
from textsieve.worker.settings import ModelSettings

ALONE = 64  # texts that are answered once more, each by itself
JOINED = (4, 8, 16, 32, 64)  # texts of the stream that make a long one; the longest go over several windows
FULL_BUDGET = 262_144  # tokens
SPARE_BYTES = 64 << 20  # of device memory that are left beside the weights, so that a large batch does not fit


def reference_on_cpu(device: Device) -> TransformerPredictor:
    """The model in float32 on the CPU, by torch."""
    return load_predictor(
        ModelSettings(device="cpu", path=device.model, engine="torch", precision="fp32", max_batch_tokens=4096)
    )


def agreement(device: Device, texts: Sequence[str], predictors: Mapping[str, TransformerPredictor]) -> dict[str, Any]:
    """Of every arithmetic with the CPU's float32, on the stream, on long texts and on the calibration's."""
    sets = {
        "stream": list(texts),
        "long": [
            " ".join(texts[start : start + many]) for many in JOINED for start in range(0, len(texts) - many, 150)
        ],
        "calibration": calibration_texts()[: len(texts)],
    }
    reference = reference_on_cpu(device)
    exact = {name: reference.predict(rows) for name, rows in sets.items()}
    return {
        arithmetic: {
            **{name: compared(predictor.predict(rows), exact[name]) for name, rows in sets.items()},
            "alone": company(predictor, texts[:ALONE]),
        }
        for arithmetic, predictor in predictors.items()
    }


def compared(answers: Predictions, exact: Predictions) -> dict[str, float]:
    """Shares, cosines and differences between answers and those in float32.

    `expected_loss` is how much less likely the labels given are than float32's own, by its own probabilities, in the
    mean over texts.
    """
    own, theirs = answers.probabilities.argmax(axis=1), exact.probabilities.argmax(axis=1)  # [texts]
    rows = np.arange(len(own))
    lost = exact.probabilities[rows, theirs].astype(np.float64) - exact.probabilities[rows, own]
    cosines = (answers.embeddings * exact.embeddings).sum(axis=1, dtype=np.float64)
    return {
        "texts": len(own),
        "most_tokens": int(exact.token_counts.max()),
        "rarest_label_share": round(
            float(np.bincount(theirs, minlength=exact.probabilities.shape[1]).min()) / len(own), 4
        ),
        "label_agreement": round(float((own == theirs).mean()), 6),
        "expected_loss": round(float(lost.mean()), 8),
        "mean_cosine": round(float(cosines.mean()), 6),
        "min_cosine": round(float(cosines.min()), 6),
        "largest_difference": round(float(np.abs(answers.probabilities - exact.probabilities).max()), 6),
    }


def company(predictor: TransformerPredictor, texts: Sequence[str]) -> dict[str, float]:
    """How far an answer moves when the text is alone in its batch, and when the same batch is asked again."""
    together, again = predictor.predict(texts), predictor.predict(texts)
    single = np.concatenate([predictor.predict([text]).probabilities for text in texts])
    return {
        "texts": len(texts),
        "largest_difference": round(float(np.abs(single - together.probabilities).max()), 6),
        "largest_difference_asked_again": round(float(np.abs(again.probabilities - together.probabilities).max()), 8),
    }


class Counting(NoMeter):
    """Counts how often the device was full."""

    def __init__(self) -> None:
        self.times = 0

    def out_of_memory(self) -> None:
        """See Meter."""
        self.times += 1


def when_full(device: Device, texts: Sequence[str], *, budget: int = FULL_BUDGET) -> dict[str, Any]:
    """A batch that does not fit on a real device: the budget shrinks, and the answers are those of smaller batches.

    Only on CUDA, where torch can be told to take no more than a share of the memory.
    """
    predictor = load_predictor(device.settings(max_batch_tokens=budget))
    predictor.meter = counting = Counting()
    device.forget_peak()
    total = torch.cuda.get_device_properties(device.torch).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + SPARE_BYTES) / total)
    try:
        squeezed = predictor.predict(texts)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    roomy = load_predictor(device.settings()).predict(texts)
    return {
        "budget": budget,
        "spare_mib": SPARE_BYTES >> 20,
        "times_full": counting.times,
        "budget_afterwards": predictor.max_batch_tokens,
        **compared(squeezed, roomy),
    }
