"""Compares results with the labels that came along in the user's file."""

from collections.abc import Sequence
from dataclasses import dataclass

from textsieve.embedded.demo.evaluation import Evaluation, Pair, evaluate
from textsieve.embedded.demo.model_card import ModelCard, default_model_card
from textsieve.embedded.demo.summary import first_answers
from textsieve.embedded.results import Model, attribute, labelled
from textsieve.worker.records import Record


@dataclass(frozen=True, slots=True)
class Comparison:
    """The quality on the user's file, and what the model's makers measured."""

    evaluation: Evaluation
    card: ModelCard | None  # of the model that answered; None if it is not the shipped one

    @property
    def has_common_labels(self) -> bool:
        """Whether any label of the file was ever given by the model."""
        truths = {pair.truth for pair in self.evaluation.confusion}
        return not truths.isdisjoint(pair.answer for pair in self.evaluation.confusion)


def compare(records: Sequence[Record], *, label_column: str | None) -> Comparison | None:
    """Compare the records of the output topic with an attribute of theirs; None if none has it.

    Args:
        records: results.
        label_column: the attribute that holds the true label; None where there is none.
    """
    if label_column is None:
        return None
    results = list(first_answers(labelled(record) for record in records))
    truths = ((attribute(result, label_column), result.label) for result in results)
    evaluation = evaluate(Pair(str(truth), answer) for truth, answer in truths if truth not in (None, ""))
    if evaluation is None:
        return None
    card = default_model_card()
    is_shipped = {result.model for result in results} == {Model(card.name, card.version)}
    return Comparison(evaluation, card if is_shipped else None)
