"""Lets every candidate take turns over the calibration texts until it is known which one to take."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import msgspec

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError, PredictorError
from textsieve.worker.inference.engines.report import DEFAULT_BATCH_TOKENS, REFERENCE, Candidate, EngineReport, Trial
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.inference.tuning.candidate_run import CandidateRun, Runner, prune_early, unpruned
from textsieve.worker.inference.tuning.comparison import BUDGETS, choose, choose_budget, compare
from textsieve.worker.inference.tuning.slices import TextSlices
from textsieve.worker.inference.tuning.timing import told_apart
from textsieve.worker.records import Predictions

log = logs.get_logger("model")
BUDGET_SLICES = 2  # large budgets must be filled to show what they do
BUDGET_ROUNDS = 6  # of all budgets in turns
LEAST_SECONDS, MOST_SECONDS = 10.0, 120.0  # of taking turns, after the first lap
LAPS = 4.0  # more than the first: the patience with a large model is as many times longer as it is slower
MOST_LAP_SECONDS = 300.0  # a model whose first lap takes longer is judged by fewer texts
LEAST_LAP_ROUNDS = 2  # of that lap: a quarter of the texts
WARM_UP = 8  # texts: the first call pays for what later ones find ready
Clock = Callable[[], float]
Make = Callable[[Candidate], Runner]


@dataclass(slots=True)
class Autotuner:
    """Finds the engine to run, in small steps: nothing runs but inside `steps`.

    Every round, all candidates answer the same slice of the texts one after the other, in an order that turns. After a
    lap over all slices, and over the long and the blank texts, those that differ from float32 or are far slower drop
    out; the others go on until the rounds can tell them apart or the patience ends, which grows with the time of a lap.
    Then the winner is tried with several budgets.

    Args:
        possible: what may be chosen, not empty.
        make: a candidate's predictor; a PredictorError leaves the candidate out.
        texts: see `calibration_texts`.
        card: of the model.
        threads: of the forward pass, for the report.
        clock: monotonic seconds.
        reference: what all are compared with; it is run even where it may not be chosen.
    """

    possible: Sequence[Candidate]
    make: Make
    texts: Sequence[str]
    card: ModelCard
    threads: int
    clock: Clock
    reference: Candidate = REFERENCE
    _runs: list[CandidateRun] = field(default_factory=list, init=False)
    _faults: dict[Candidate, str] = field(default_factory=dict, init=False)
    _spent: float = field(default=0.0, init=False)

    def steps(self) -> Iterator[EngineReport | None]:
        """Do a little at each step; stop whenever there is something better to do, the latest report is the best.

        Yields:
            None until the first lap has ended, then the best so far; the last one is settled.

        Raises:
            ConfigurationError: none of the candidates runs.
            PredictorError: the reference does not run.
        """
        for candidate in dict.fromkeys([self.reference, *self.possible]):
            self._enter(candidate)
            yield None
        self._require_one()
        turns = TextSlices.of(self.texts)
        yield from self._lap(turns)
        alive, slices = self._unpruned(), turns.timed[: len(self._runs[0].seconds)]
        lap = sum(sum(one.seconds) for one in alive)
        patience, number = min(MOST_SECONDS, max(LEAST_SECONDS, LAPS * lap)), len(slices)
        while (
            not told_apart([one.seconds for one in alive]) and sum(sum(one.seconds) for one in alive) < lap + patience
        ):
            for _ in self._round(number, slices, alive):
                yield self._report(DEFAULT_BATCH_TOKENS)
            number += 1
        yield from self._budgets([text for part in slices for text in part], patience=patience)

    def _enter(self, candidate: Candidate) -> None:
        began = self.clock()
        try:
            runner = self.make(candidate)
            runner.predict(self.texts[:WARM_UP])
        except PredictorError as error:
            if candidate == self.reference:
                raise
            log.warning("an engine does not run this model", engine=candidate.name, why=str(error))
            self._faults[candidate] = str(error)
        else:
            self._runs.append(CandidateRun(candidate, runner))
        self._spent += self.clock() - began

    def _require_one(self) -> None:
        if not any(one.candidate in self.possible for one in self._runs):
            named, why = next(iter(self._faults.items()))
            raise ConfigurationError(f"model.engine, model.precision: {named.name} cannot run: {why}")

    def _lap(self, turns: TextSlices) -> Iterator[None]:
        """Every text once; of a model that takes too long, the first slices and all that are not timed."""
        until = self._spent + MOST_LAP_SECONDS
        for number in range(len(turns.timed)):
            if number >= LEAST_LAP_ROUNDS and self._spent > until:
                break
            yield from self._round(number, turns.timed, self._alive())
            prune_early(self._alive(), self._runs[0])
        for number, texts in enumerate(turns.untimed, len(turns.timed)):
            for one in self._alive():
                one.answers[number] = self._timed(one.runner, texts)[0]
                yield None

    def _alive(self) -> list[CandidateRun]:
        return [one for one in self._runs if not one.fault]

    def _round(self, number: int, slices: Sequence[Sequence[str]], alive: Sequence[CandidateRun]) -> Iterator[None]:
        """One turn of each; the order turns, for what runs first may find the caches full of something else."""
        first, part = number % len(alive), number % len(slices)
        texts = slices[part]
        for one in (*alive[first:], *alive[:first]):
            answers, seconds = self._timed(one.runner, texts)
            one.seconds.append(seconds)
            one.rates.append(len(texts) / seconds)
            one.answers.setdefault(part, answers)
            yield None

    def _timed(self, runner: Runner, texts: Sequence[str]) -> tuple[Predictions, float]:
        """The answers, and the seconds that they took: pauses between steps do not count."""
        began = self.clock()
        answers = runner.predict(texts)
        seconds = self.clock() - began
        self._spent += seconds
        return answers, seconds

    def _unpruned(self) -> list[CandidateRun]:
        """Those that may still win."""
        trials = {trial.name: trial for trial in self._trials()}
        allowed = [one for one in self._alive() if one.candidate in self.possible]
        return unpruned(allowed, agreeing=[one for one in allowed if trials[one.candidate.name].agrees])

    def _trials(self) -> list[Trial]:
        """Of all that may be chosen, by what is known now."""
        exact = self._runs[0].said()
        known = {one.candidate: one for one in self._runs}
        found = []
        for candidate in self.possible:
            one = known.get(candidate)
            fault = self._faults[candidate] if one is None else one.fault
            if one is None or fault:
                found.append(Trial(candidate.name, fault=fault))
                continue
            found.append(compare(candidate.name, one.said(), exact, rate=median(one.rates), card=self.card))
        return found

    def _report(self, budget: int) -> EngineReport:
        trials = self._trials()
        winner, why = choose(trials)
        chosen = next(candidate for candidate in self.possible if candidate.name == winner.name)
        return EngineReport(
            chosen.engine, chosen.precision, why, budget, self.threads, tuple(trials), round(self._spent, 2)
        )

    def _budgets(self, texts: Sequence[str], *, patience: float) -> Iterator[EngineReport]:
        """The winner with every budget in turns."""
        report = self._report(DEFAULT_BATCH_TOKENS)
        runner = next(one.runner for one in self._runs if one.candidate == report.candidate)
        rates: dict[int, list[float]] = {budget: [] for budget in BUDGETS}
        until = self._spent + patience / 2
        for number in range(BUDGET_ROUNDS):
            if number and self._spent > until:
                break
            part = texts[number % BUDGET_SLICES :: BUDGET_SLICES]
            for budget, found in rates.items():
                yield report
                runner.max_batch_tokens = budget
                found.append(len(part) / self._timed(runner, part)[1])
        best = choose_budget([(budget, median(found)) for budget, found in rates.items()])
        runner.max_batch_tokens = best
        report = replace(self._report(best), settled=True)
        if not next(trial for trial in report.trials if trial.name == report.candidate.name).agrees:
            log.warning("the engine that was asked for differs from fp32", **msgspec.to_builtins(report))
        yield report


def autotune(autotuner: Autotuner) -> EngineReport:
    """All of it at once. Raises as `Autotuner.steps`."""
    *_, last = autotuner.steps()
    if last is None:  # steps end with a report
        raise PredictorError("expected the trials to end with a choice, got none")
    return last
