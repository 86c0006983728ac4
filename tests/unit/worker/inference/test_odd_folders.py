"""Every kind of folder is answered as the reference library answers it, or refused with the reason."""

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast, pipeline
from transformers.utils import logging

from tests.odd_folders import ARCHITECTURES, LABELS, WORDS, Architecture, save_odd
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.loading import load_predictor

EXACT = 1e-5  # of a probability
# what ONNX Runtime is not given, because torch cannot say it in a graph that answers every length: torch is taken
BY_TORCH_ALONE = {"bart", "deberta", "fnet", "longformer", "t5"}
REFUSED = {"funnel": "a last hidden state of 2 for 3 tokens"}

pytestmark = pytest.mark.filterwarnings("ignore")  # of the reference library, about itself


def texts_for(window: int) -> list[str]:
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(WORDS, count)) for count in (1, 2, 3, 5, 8, 3, 2)]
    return [*texts, " ".join(rng.choice(WORDS, 2 * window))]  # the last one is cut


def reference(folder: Path, texts: list[str], *, window: int) -> np.ndarray:
    """[texts, labels]: the probabilities of the library's own pipeline, one text at a time."""
    logging.disable_progress_bar()
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    ask = pipeline(
        "text-classification", model=model, tokenizer=PreTrainedTokenizerFast.from_pretrained(folder), top_k=None
    )
    answers = [ask([text], truncation=True, max_length=window)[0] for text in texts]
    scores = [{answer["label"]: answer["score"] for answer in given} for given in answers]
    return np.asarray([[row[label] for label in LABELS.values()] for row in scores])


def named(architectures) -> list:
    return [pytest.param(architecture, id=architecture.model_type) for architecture in architectures]


@pytest.mark.parametrize("engine", ["torch", "onnx"])
@pytest.mark.parametrize("architecture", named(found for found in ARCHITECTURES if found.model_type not in REFUSED))
def test_answers_are_those_of_the_reference_alone_and_together(tmp_path, settings_for, architecture, engine):
    if engine == "onnx" and architecture.model_type in BY_TORCH_ALONE:
        pytest.skip("documented: torch runs this architecture, see the test below")
    folder = save_odd(tmp_path / "odd", architecture)
    texts = texts_for(architecture.window)
    expected = reference(folder, texts, window=architecture.window)
    settings = settings_for(folder, engine=engine, max_windows=1, cache_directory=str(tmp_path / "cache"))

    predictor = load_predictor(settings)
    together = predictor.predict(texts).probabilities
    alone = np.concatenate([predictor.predict([text]).probabilities for text in texts])

    assert np.ptp(expected, axis=0).max() > 1000 * EXACT  # texts are told apart
    assert pytest.approx(expected, abs=EXACT) == together
    assert pytest.approx(expected, abs=EXACT) == alone


@pytest.mark.parametrize(
    "architecture",
    named(found for found in ARCHITECTURES if found.model_type in BY_TORCH_ALONE - {"longformer"}),
)
def test_what_no_graph_can_say_is_refused_where_a_graph_is_demanded(tmp_path, settings_for, architecture):
    folder = save_odd(tmp_path / "odd", architecture)

    with pytest.raises(ConfigurationError, match="expected a model that answers"):
        load_predictor(settings_for(folder, engine="onnx", cache_directory=str(tmp_path / "cache")))


@pytest.mark.parametrize("architecture", named(found for found in ARCHITECTURES if found.model_type in REFUSED))
def test_a_network_that_cannot_be_served_says_why(tmp_path, settings_for, architecture: Architecture):
    folder = save_odd(tmp_path / "odd", architecture)

    with pytest.raises(ConfigurationError, match=REFUSED[architecture.model_type]):
        load_predictor(settings_for(folder))


def test_a_graph_that_was_kept_knows_that_its_network_reads_padding(tmp_path, settings_for):
    architecture = next(found for found in ARCHITECTURES if found.model_type == "xlnet")
    folder = save_odd(tmp_path / "odd", architecture)
    texts = texts_for(architecture.window)
    settings = settings_for(folder, engine="onnx", max_windows=1, cache_directory=str(tmp_path / "cache"))

    cold = load_predictor(settings).predict(texts).probabilities
    warm = load_predictor(settings).predict(texts).probabilities

    assert pytest.approx(reference(folder, texts, window=architecture.window), abs=EXACT) == cold
    assert pytest.approx(cold, abs=EXACT) == warm
