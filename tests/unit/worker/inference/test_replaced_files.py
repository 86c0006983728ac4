"""Files that are replaced under a worker never answer under the name of those that were there before."""

import shutil

import pytest

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.building.engine_builder import EngineBuilder
from textsieve.worker.inference.bundle import reading
from textsieve.worker.inference.cpu_info import this_cpu
from textsieve.worker.inference.engines.report import Candidate
from textsieve.worker.inference.loading import read_model
from textsieve.worker.inference.model_factories import classifier_model, embedding_model
from textsieve.worker.inference.model_folder import model_files
from textsieve.worker.inference.model_folder.folder import ReadOptions
from textsieve.worker.inference.model_folder.model_files import WEIGHTS, file_sha256, package_folder
from textsieve.worker.inference.model_folder.reading import read_encoder_folder
from textsieve.worker.inference.networks.encoder import encoder_of
from textsieve.worker.settings import ModelSettings

ONNX = Candidate("onnx", "fp32")
OTHERS = "files that were there at the start, got others"


def replace_weights(folder):
    """One bit of the last weight."""
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)


def test_a_network_is_not_built_of_weights_that_came_later(encoder_folder):
    files = read_encoder_folder(encoder_folder, ReadOptions())
    encoder_of(files)
    replace_weights(encoder_folder)

    with pytest.raises(ConfigurationError, match=OTHERS):
        encoder_of(files)


def test_a_graph_of_files_that_came_later_is_not_kept(classifier_folder, settings_for, edit_json, tmp_path):
    model = classifier_model(classifier_folder, settings_for(classifier_folder))
    edit_json(classifier_folder / "config.json", hidden_act="relu")

    with pytest.raises(ConfigurationError, match=OTHERS):
        EngineBuilder(model, ArtifactCache(tmp_path / "kept"), this_cpu()).engine(ONNX)
    assert [] == list((tmp_path / "kept").glob("graph-*"))


@pytest.fixture
def hashed(monkeypatch):
    """The files of weights that were hashed."""
    names = []

    def note(path):
        names.extend([path.name] if path.name == WEIGHTS else [])
        return file_sha256(path)

    for module in (model_files, reading):
        monkeypatch.setattr(module, "file_sha256", note)
    return names


def test_weights_are_hashed_when_they_are_found_and_after_they_were_read(hashed):
    model = read_model(ModelSettings(device="cpu"))

    EngineBuilder(model, ArtifactCache(None), this_cpu(), threads=1).engine(ONNX)

    assert [WEIGHTS] * 2 == hashed


def test_weights_of_a_bundle_are_hashed_once_by_who_reads_it(bundle_folder, settings_for, hashed):
    read_model(settings_for(bundle_folder))

    assert [WEIGHTS] == hashed


def test_a_shipped_graph_is_not_given_weights_that_came_later(tmp_path):
    folder = shutil.copytree(package_folder(), tmp_path / "encoder", symlinks=False)
    builder = EngineBuilder(
        embedding_model(read_encoder_folder(folder, ReadOptions())), ArtifactCache(None), this_cpu()
    )
    assert builder.is_proven()
    replace_weights(folder)

    with pytest.raises(ConfigurationError, match=OTHERS):
        builder.engine(ONNX)
