"""The engine that serves while it is not yet known which is the fastest: never plain torch where a graph can be had."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from textsieve.worker import logs
from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.building.engine_builder import Workshop
from textsieve.worker.inference.engines.report import FIRST_BUDGET, ONNX_FP32, ONNX_INT8, Candidate, EngineReport, Trial
from textsieve.worker.inference.tuning.comparison import compare
from textsieve.worker.records import Predictions

log = logs.get_logger("model")

SHORT, LONG = 12, 4  # texts of a quick look: evenly from all lengths, and the longest, where masks go wrong


def safe_report(workshop: Workshop, possible: Sequence[Candidate], reference: Candidate) -> EngineReport:
    """The first of the candidates, in the order of this processor, that gives a few texts the reference's answers.

    int8 comes first only where sums of bytes are exact, for there it always was the faster one.

    Raises:
        PredictorError: none of them runs.
        ConfigurationError: what all of them need is not installed, or the folder is broken.
    """
    order = [way for way in (ONNX_INT8, ONNX_FP32) if way != ONNX_INT8 or workshop.cpu.sums_bytes_exactly]
    wanted = [way for way in order if way in possible] + [way for way in possible if way not in order]
    texts = _quick_texts_for(workshop) if len(wanted) > 1 else []
    told: Predictions | None = None
    for way in wanted[:-1]:
        if way == reference:
            return _safe(workshop, way)
        told = told or _answers(workshop, reference, texts)
        try:
            answers = _answers(workshop, way, texts)
        except PredictorError as error:
            log.warning("an engine does not run this model", engine=way.name, why=str(error))
            continue
        trial = compare(way.name, answers, told, rate=0.0, card=workshop.model.card)
        if trial.agrees:
            return _safe(workshop, way)
    return _safe(workshop, wanted[-1])


def tell_difference(workshop: Workshop, way: Candidate, reference: Candidate) -> None:
    """Warn where the one engine that the settings allow differs from float32 on a few texts; what was found is kept.

    Raises:
        PredictorError: one of the two does not run.
        ConfigurationError: as `safe_report`.
    """
    key = workshop.report_key([way, reference]).replace("choice", "agreement")
    kept = workshop.shelf.get(key)
    try:
        trial = msgspec.json.decode(kept or b"", type=Trial)
    except msgspec.MsgspecError:  # none yet, or of another version of the worker
        texts = _quick_texts_for(workshop)
        told, answers = _answers(workshop, reference, texts), _answers(workshop, way, texts)
        trial = compare(way.name, answers, told, rate=0.0, card=workshop.model.card)
        workshop.shelf.put(key, msgspec.json.encode(trial))
    if not trial.agrees:
        log.warning("the engine that was asked for differs from fp32", **msgspec.to_builtins(trial))


def _safe(workshop: Workshop, way: Candidate) -> EngineReport:
    why = "safe on this processor, until the others have been tried"
    return replace(workshop.report(way, FIRST_BUDGET), why=why)


def _answers(workshop: Workshop, way: Candidate, texts: Sequence[str]) -> Predictions:
    return workshop.predictor(way, max_batch_tokens=FIRST_BUDGET).predict(texts)


def _quick_texts_for(workshop: Workshop) -> list[str]:
    return quick_texts(calibration_texts(workshop.model.tokenizer.tokenize))


def quick_texts(texts: Sequence[str]) -> list[str]:
    """A few of the texts, of all lengths."""
    texts = sorted(texts, key=len)
    return texts[:: max(1, len(texts) // SHORT)] + texts[-LONG:]
