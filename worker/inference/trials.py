"""Runs every candidate over the calibration texts and reports which one to take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from worker import logs
from worker.errors import ConfigurationError, PredictorError
from worker.inference.calibration import (
    BUDGETS,
    FIRST_BUDGET,
    REFERENCE,
    Candidate,
    EngineReport,
    Trial,
    choose,
    choose_budget,
    compare,
)
from worker.inference.transformer import TransformerPredictor
from worker.inference.workshop import Workshop, as_set
from worker.records import Predictions

log = logs.get_logger("model")

PATIENCE_SECONDS = 12.0  # from the start; what has not been tried by then is not tried, and the choice is not kept
HOPELESS = 0.8  # of the best rate: what is slower in its first run is not run again
PLENTY = 2.5  # times the rate of the reference: where int8 reaches it, float32 on the same engine never did
WARM_UP = 8  # texts: the first call pays for what later ones find ready

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Course:
    """The conditions of a trial."""

    texts: Sequence[str]
    multi_label: bool
    clock: Clock


def calibrate(
    workshop: Workshop, possible: Sequence[Candidate], *, texts: Sequence[str], clock: Clock
) -> tuple[EngineReport, bool]:
    """Time and compare the candidates, then time the winner at several budgets.

    Args:
        workshop: makes the engines.
        possible: not empty.
        texts: that all of them answer.
        clock: monotonic seconds.

    Returns:
        The report, and whether everything was tried: else another start should try again.

    Raises:
        ConfigurationError: none of the candidates runs.
        PredictorError: the network itself does not run.
    """
    began = clock()
    course = _Course(texts, workshop.model.card.multi_label, clock)
    reference: Predictions | None = None
    runners: dict[str, TransformerPredictor] = {}
    trials: list[Trial] = []
    for candidate in dict.fromkeys([REFERENCE, *possible]):
        if skipped := _not_worth_it(candidate, trials, clock() - began):
            trials.append(Trial(candidate.name, fault=skipped))
            continue
        try:
            runner = workshop.predictor(candidate, max_batch_tokens=FIRST_BUDGET)
            trial, answers = _run(candidate, runner, reference, course)
        except PredictorError as error:
            if candidate == REFERENCE:
                raise
            log.warning("an engine does not run this model", engine=candidate.name, why=str(error))
            trials.append(Trial(candidate.name, fault=str(error)))
            continue
        reference = reference or answers
        if candidate in possible:
            trials.append(trial)
            runners[candidate.name] = runner
    if not runners:
        raise ConfigurationError(f"model.engine, model.precision: {trials[0].name} cannot run: {trials[0].fault}")
    in_time = clock() - began <= PATIENCE_SECONDS
    trials = _run_again(trials, runners, course) if in_time else trials
    winner, why = choose(trials)
    if not winner.agrees:
        log.warning("the engine that was asked for differs from fp32", **msgspec.to_builtins(winner))
    chosen = next(candidate for candidate in possible if candidate.name == winner.name)
    budget = _budget(winner, runners[winner.name], course) if in_time else FIRST_BUDGET
    seconds = round(clock() - began, 2)
    return replace(as_set(chosen, budget), why=why, trials=tuple(trials), seconds=seconds), in_time


def _not_worth_it(candidate: Candidate, trials: Sequence[Trial], seconds: float) -> str:
    """Why a candidate need not be tried after these trials and so many seconds, "" if it should be."""
    if trials and seconds > PATIENCE_SECONDS:
        return "not tried: the machine was too busy"
    rates = {trial.name: trial.messages_per_second for trial in trials if trial.agrees}
    rough, exact = rates.get("onnx int8", 0.0), rates.get(REFERENCE.name)
    if candidate == Candidate("onnx", "fp32") and exact is not None and rough >= PLENTY * exact:
        return "not tried: onnx int8 agrees and is far faster"
    return ""


def _run(
    candidate: Candidate, runner: TransformerPredictor, reference: Predictions | None, course: _Course
) -> tuple[Trial, Predictions]:
    runner.predict(course.texts[:WARM_UP])
    started = course.clock()
    answers = runner.predict(course.texts)
    seconds = course.clock() - started
    compared = compare(candidate.name, answers, reference or answers, seconds=seconds, multi_label=course.multi_label)
    return compared, answers


def _run_again(trials: Sequence[Trial], runners: dict[str, TransformerPredictor], course: _Course) -> list[Trial]:
    """The better of two runs for whatever may still win: a busy machine disturbs one run or another."""
    best = max((trial.messages_per_second for trial in trials if trial.agrees), default=0.0)
    again = []
    for trial in trials:
        rate = trial.messages_per_second
        if len(runners) > 1 and trial.agrees and rate >= HOPELESS * best:
            rate = max(rate, _rate(runners[trial.name], FIRST_BUDGET, course))
        again.append(replace(trial, messages_per_second=rate))
    return again


def _budget(winner: Trial, runner: TransformerPredictor, course: _Course) -> int:
    rates = [(FIRST_BUDGET, winner.messages_per_second)]
    rates += [(budget, _rate(runner, budget, course)) for budget in BUDGETS if budget != FIRST_BUDGET]
    return choose_budget(rates)


def _rate(runner: TransformerPredictor, budget: int, course: _Course) -> float:
    """Messages per second at a budget of tokens."""
    runner.max_batch_tokens = budget
    started = course.clock()
    runner.predict(course.texts)
    return round(len(course.texts) / (course.clock() - started), 1)
