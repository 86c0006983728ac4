"""An encoder whose weights have changed, as files that a bundle takes in."""

from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import SafetensorError

from textsieve.worker.inference.model_folder.sentence_modules import MODULES
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.inference.networks.pretrained import quiet


def save_encoder(encoder: Encoder) -> "TemporaryDirectory[str]":
    """The tuned network with its tokenizer's files, as a folder of Hugging Face files that vanishes when closed.

    Raises:
        OSError: there is no room for it.
    """
    folder = TemporaryDirectory(prefix="textsieve-encoder-")
    try:
        with quiet():
            encoder.model.cpu().eval().save_pretrained(folder.name)  # type: ignore[operator]
    except SafetensorError as error:  # its word for a full disk, too
        folder.cleanup()
        raise OSError(
            f"{folder.name}: cannot be written ({error}); make room or set TMPDIR to another place"
        ) from error
    for path in encoder.files.path.iterdir():
        target = Path(folder.name) / path.name
        copied = (
            path.suffix in {".json", ".txt", ".model"} and path.name != MODULES
        )  # it names folders that stay behind
        if path.is_file() and not target.exists() and copied:
            target.write_bytes(path.read_bytes())
    return folder
