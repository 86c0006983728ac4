"""What a hostile model folder could try: code of its own, a pickle, a pickle behind an index. None of it runs."""

import json
import pickle
import re
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.networks.encoder import load_classifier

ROOT = Path(__file__).parents[5]
SOURCES = [
    path
    for package in ("worker", "trainer", "embedded", "producer", "textsieve")
    for path in (ROOT / package).rglob("*.py")
]


class _Trap:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self):
        return Path.touch, (self._mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "somebody-ran-it"


def _set(path: Path, **fields: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8")) | fields
    path.write_text(json.dumps(content), encoding="utf-8")


def _plant_code(folder: Path, mark: Path) -> None:
    code = f"from pathlib import Path\nPath({str(mark)!r}).touch()\nclass Config: pass\nModel = Tokenizer = Config\n"
    (folder / "theirs.py").write_text(code, encoding="utf-8")


def test_the_trap_works(mark: Path) -> None:
    pickle.loads(pickle.dumps(_Trap(mark)))  # noqa: S301  # our own

    assert mark.exists()


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_beside_a_known_model_is_left_alone(classifier_folder: Path, mark: Path, file: str) -> None:
    _plant_code(classifier_folder, mark)
    parts = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification")
    auto_map = dict.fromkeys(parts, "theirs.Model") | {"AutoTokenizer": ["theirs.Tokenizer", "theirs.Tokenizer"]}
    _set(classifier_folder / file, auto_map=auto_map)

    with suppress(ConfigurationError):  # with or without it the model may load; its code may not
        load_classifier(classifier_folder)

    assert not mark.exists()


def test_a_model_that_needs_its_own_code_is_refused(classifier_folder: Path, mark: Path) -> None:
    _plant_code(classifier_folder, mark)
    _set(classifier_folder / "config.json", model_type="theirs", auto_map={"AutoConfig": "theirs.Config"})

    with pytest.raises(ConfigurationError, match="without code of the model's own"):
        load_classifier(classifier_folder)

    assert not mark.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "tf_model.h5", "adapter_model.bin"])
def test_a_pickle_in_place_of_the_weights_is_refused(classifier_folder: Path, mark: Path, name: str) -> None:
    (classifier_folder / "model.safetensors").unlink()
    (classifier_folder / name).write_bytes(pickle.dumps(_Trap(mark)))

    with pytest.raises(ConfigurationError, match="only safetensors"):
        load_classifier(classifier_folder)

    assert not mark.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "../outside.bin", "model-00001-of-00001.safetensors"])
def test_an_index_that_leads_to_a_pickle_leads_nowhere(classifier_folder: Path, mark: Path, name: str) -> None:
    weights = classifier_folder / "model.safetensors"
    shutil.copy(weights, classifier_folder / "model-00001-of-00002.safetensors")
    weights.unlink()
    (classifier_folder / name).write_bytes(pickle.dumps(_Trap(mark)))
    index = {"metadata": {"total_size": 1}, "weight_map": {"classifier.bias": name}}
    (classifier_folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")

    with pytest.raises(ConfigurationError, match="expected"):
        load_classifier(classifier_folder)

    assert not mark.exists()


def test_the_sources_load_no_pickle_and_trust_no_remote_code() -> None:
    forbidden = re.compile(
        r"trust_remote_code\s*=\s*(?!False)|\b(?:import|from) (?:pickle|dill|joblib|shelve|marshal)\b|\btorch\.load\("
        r"|allow_pickle\s*=\s*True|\beval\(|\bexec\(|yaml\.load\("
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if forbidden.search(line.replace(".eval()", ""))
    ]

    assert [] == found
