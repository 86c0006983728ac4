"""Labels that are described instead of learned."""

import numpy as np
import pytest

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.heads.zero_shot import zero_shot_head
from textsieve.worker.inference.predictor import ModelCard
from textsieve.worker.records import Predictions
from textsieve.worker.settings import ModelSettings

COMPASS = {"east": (1, 0), "north": (0, 1), "west": (-1, 0), "north-east": (0.6, 0.8)}


class Compass:
    """Embeds the words of the compass."""

    card = ModelCard("compass", "1", (), dim=2, max_tokens=1, fingerprint="0", multi_label=True)

    def predict(self, texts):
        rows = np.array([COMPASS[text] for text in texts], dtype=np.float32)
        ones = np.ones(len(texts), dtype=np.int64)
        return Predictions(np.empty((len(texts), 0), np.float32), rows, ones, ones.astype(np.bool_))


def logits(labels, text, **settings):
    head = zero_shot_head(labels, Compass(), ModelSettings(**settings))
    return head.logits(np.array([COMPASS[text]], dtype=np.float32))[0].tolist()


def test_logits_are_cosines_to_the_mean_of_the_descriptions_over_the_temperature():
    labels = {"a": ("east", "north"), "b": ("west",)}

    assert pytest.approx([2 * np.sqrt(0.5), -2.0]) == logits(labels, "east", temperature=0.5)


def test_more_of_the_same_description_do_not_favour_a_label():
    once = logits({"a": ("north",), "b": ("west",)}, "north-east")
    often = logits({"a": ("north",) * 5, "b": ("west",)}, "north-east")

    assert pytest.approx(once) == often


@pytest.mark.parametrize(("text", "winner"), [("north-east", 0), ("east", 1)])
def test_what_is_near_no_description_goes_to_the_label_without_any(text, winner):
    found = logits({"described": ("north",), "other": ()}, text, least_similarity=0.5)

    assert winner == np.argmax(found)


def test_descriptions_are_read_as_texts_are():
    labels = {"a": ("e\u200bast",), "b": ("north",)}

    assert pytest.approx(logits({"a": ("east",), "b": ("north",)}, "east")) == logits(labels, "east")


def test_opposite_descriptions_say_nothing_but_break_nothing():
    assert pytest.approx([0.0, 0.0]) == logits({"a": ("east", "west"), "b": ("north",)}, "east")


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ({"a": ("east",)}, "got 1 labels"),
        ({"a": ("east",), "b": (" ",)}, "nothing but blanks for b"),
        ({"a": ("east",), "b": (), "c": ()}, "none for b and c"),
        ({"a": ("east", "north"), "b": ("west",), "c": ("North ", "east")}, "the same for a and c"),
        ({"a": ("east",), "b": ("e\u200bast",)}, "the same for a and b"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(labels, fault):
    with pytest.raises(ConfigurationError, match=fault):
        zero_shot_head(labels, Compass(), ModelSettings())
