import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from textsieve.embedded.demo.evaluation import Pair, evaluate

labels = st.sampled_from(["ham", "spam", "other"])


@given(st.lists(st.builds(Pair, labels, labels), min_size=1))
def test_the_figures_are_those_of_scikit_learn(pairs) -> None:
    evaluation = evaluate(pairs)

    truths, answers = zip(*pairs, strict=True)
    theirs = precision_recall_fscore_support(truths, answers, labels=evaluation.labels, zero_division=0)
    ours = [evaluation.scores[label] for label in evaluation.labels]
    assert pytest.approx(accuracy_score(truths, answers)) == evaluation.accuracy
    assert pytest.approx(list(theirs[0])) == [score.precision for score in ours]
    assert pytest.approx(list(theirs[1])) == [score.recall for score in ours]
    assert pytest.approx(list(theirs[2])) == [score.f1 for score in ours]
    assert list(theirs[3]) == [score.support for score in ours]
    assert len(pairs) == evaluation.messages


def test_nothing_to_compare_is_no_evaluation() -> None:
    assert evaluate([]) is None
