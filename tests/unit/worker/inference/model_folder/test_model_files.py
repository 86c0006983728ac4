"""Where models come from, and how it reads when they do not."""

import pytest
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.model_folder import model_files as sources
from textsieve.worker.inference.model_folder.model_files import (
    PACKAGE_SHA256,
    model_folder,
    package_folder,
    weights_sha256,
)


def refuse(error):
    def download(*_, **__):
        raise error

    return download


def test_the_package_has_the_weights_of_the_original():
    assert PACKAGE_SHA256 == weights_sha256(package_folder())


def test_other_weights_in_the_package_are_refused():
    with pytest.raises(ConfigurationError, match="--force-reinstall"):
        package_folder(expected_sha256="0" * 64)


def test_a_package_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(sources, "PACKAGE", "no-such-package")

    with pytest.raises(ConfigurationError, match="pip install --no-deps no-such-package"):
        package_folder()


def test_a_local_folder_is_taken_as_it_is(tmp_path):
    assert tmp_path == model_folder(str(tmp_path), revision=None, download=refuse(AssertionError()))


@pytest.mark.parametrize("path", ["/no/such/folder", "./nothing", "~/nothing/here", "a/b/c"])
def test_a_missing_folder_is_not_looked_for_on_the_hub(path):
    with pytest.raises(ConfigurationError, match="no folder"):
        model_folder(path, revision=None, download=refuse(AssertionError()))


def test_a_file_is_not_a_model(tmp_path):
    file = tmp_path / "model.safetensors"
    file.touch()

    with pytest.raises(ConfigurationError, match="name the folder"):
        model_folder(str(file), revision=None)


@pytest.mark.parametrize(
    "error", [LocalEntryNotFoundError("offline"), OfflineModeIsEnabled("offline"), ConnectionError(), ValueError("id")]
)
def test_a_hub_that_does_not_answer_is_a_configuration_error(error):
    with pytest.raises(ConfigurationError, match=r"model\.revision.*local folder"):
        model_folder("owner/name", revision=None, download=refuse(error))


def test_every_http_error_of_the_hub_is_caught():
    assert issubclass(HfHubHTTPError, OSError)


def test_a_hub_model_is_fetched_at_its_revision_and_without_pickles(tmp_path):
    asked = {}

    def download(name, **options):
        asked.update(options, name=name)
        return str(tmp_path)

    model_folder("owner/name", revision="abc123", download=download)

    assert ("owner/name", "abc123") == (asked["name"], asked["revision"])
    assert not any("bin" in pattern for pattern in asked["allow_patterns"])


def test_pickled_weights_are_never_loaded(tmp_path):
    (tmp_path / "pytorch_model.bin").touch()

    with pytest.raises(ConfigurationError, match=r"got pytorch_model\.bin"):
        weights_sha256(tmp_path)


def test_shards_have_one_hash_together(tmp_path):
    for index in (1, 2):
        (tmp_path / f"model-0000{index}-of-00002.safetensors").write_bytes(bytes([index]))

    first = weights_sha256(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"other")

    assert first != weights_sha256(tmp_path)
