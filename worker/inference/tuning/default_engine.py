"""The engine that serves while it is not yet known which is the fastest: never plain torch where a graph can be had."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from textsieve.worker import logs
from textsieve.worker.errors import PredictorError
from textsieve.worker.inference.building.calibration_texts import calibration_texts
from textsieve.worker.inference.building.engine_builder import EngineBuilder
from textsieve.worker.inference.engines.report import (
    DEFAULT_BATCH_TOKENS,
    ONNX_FP32,
    ONNX_INT8,
    Candidate,
    Trial,
)
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.tuning.comparison import compare
from textsieve.worker.records import Predictions

log = logs.get_logger("model")

SHORT, LONG = 12, 4  # texts of a quick look: evenly from all lengths, and the longest, where masks go wrong


def default_predictor(
    builder: EngineBuilder, possible: Sequence[Candidate], reference: Candidate
) -> TransformerPredictor:
    """Over the first of the candidates, in the order of this processor, that gives a few texts the reference's answers.

    int8 comes first only where sums of bytes are exact, for there it always was the faster one. What was looked at is
    what serves: no engine is made twice.

    Raises:
        PredictorError: none of them runs.
        ConfigurationError: what all of them need is not installed, or the folder is broken.
    """
    order = [way for way in (ONNX_INT8, ONNX_FP32) if way != ONNX_INT8 or builder.cpu.sums_bytes_exactly]
    wanted = [way for way in order if way in possible] + [way for way in possible if way not in order]
    made: dict[Candidate, TransformerPredictor] = {}
    texts = _sample_texts_for(builder) if len(wanted) > 1 else []
    told: Predictions | None = None
    for way in wanted[:-1]:
        if way == reference:
            return _default(builder, way, made)
        told = told or _predictor(builder, reference, made).predict(texts)
        try:
            answers = _predictor(builder, way, made).predict(texts)
        except PredictorError as error:
            log.warning("an engine does not run this model", engine=way.name, why=str(error))
            continue
        trial = compare(way.name, answers, told, rate=0.0, card=builder.model.card)
        if trial.agrees:
            return _default(builder, way, made)
        del made[way]  # its weights are of no more use
    return _default(builder, wanted[-1], made)


def warn_of_difference(builder: EngineBuilder, way: Candidate, reference: Candidate) -> None:
    """Warn where the one engine that the settings allow differs from float32 on a few texts; what was found is kept.

    Raises:
        PredictorError: one of the two does not run.
        ConfigurationError: as `default_predictor`.
    """
    key = builder.report_key([way, reference]).replace("choice", "agreement")
    kept = builder.artifacts.get(key)
    try:
        trial = msgspec.json.decode(kept or b"", type=Trial)
    except msgspec.MsgspecError:  # none yet, or of another version of the worker
        texts = _sample_texts_for(builder)
        told, answers = _answers(builder, reference, texts), _answers(builder, way, texts)
        trial = compare(way.name, answers, told, rate=0.0, card=builder.model.card)
        builder.artifacts.put(key, msgspec.json.encode(trial))
    if not trial.agrees:
        log.warning("the engine that was asked for differs from fp32", **msgspec.to_builtins(trial))


def _default(
    builder: EngineBuilder, way: Candidate, made: dict[Candidate, TransformerPredictor]
) -> TransformerPredictor:
    predictor = _predictor(builder, way, made)
    why = "safe on this processor, until the others have been tried"
    predictor.report = replace(builder.report(way, DEFAULT_BATCH_TOKENS), why=why)
    return predictor


def _predictor(
    builder: EngineBuilder, way: Candidate, made: dict[Candidate, TransformerPredictor]
) -> TransformerPredictor:
    if way not in made:
        made[way] = builder.predictor(way, max_batch_tokens=DEFAULT_BATCH_TOKENS)
    return made[way]


def _answers(builder: EngineBuilder, way: Candidate, texts: Sequence[str]) -> Predictions:
    return builder.predictor(way, max_batch_tokens=DEFAULT_BATCH_TOKENS).predict(texts)


def _sample_texts_for(builder: EngineBuilder) -> list[str]:
    return sample_texts(calibration_texts(builder.model.tokenizer.tokenize))


def sample_texts(texts: Sequence[str]) -> list[str]:
    """A few of the texts, of all lengths."""
    texts = sorted(texts, key=len)
    return texts[:: max(1, len(texts) // SHORT)] + texts[-LONG:]
