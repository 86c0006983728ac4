"""Which model answers, and on what."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from textsieve.worker.settings.section import Section, Share, split_commas

Rule = Literal["invisible", "bidi", "styled", "turned", "marks", "homoglyphs", "spaced", "leet"]
Rules = Annotated[tuple[Rule, ...], NoDecode, BeforeValidator(split_commas), Field(min_length=1)]
RULES: tuple[Rule, ...] = get_args(Rule)


class ModelSettings(Section):
    """Which model answers, and how it is run."""

    path: str = Field(
        "default",
        description="`default` (MiniLM with the shipped spam head), `multilingual` (an encoder for many languages, from"
        " the extra of that name), a bundle or Hugging Face folder, or a hub id.",
    )
    kind: Literal["auto", "bundle", "classifier", "zero-shot"] = Field(
        "auto", description="What `path` is; auto looks inside."
    )
    revision: str | None = Field(None, description="Commit of a hub model; pin it in production.")
    labels: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Zero-shot: label -> descriptions; a text is given the label whose descriptions are nearest in the"
        " mean. One label may have none: it is given where no other is near.",
    )
    temperature: float = Field(
        0.05, gt=0, description="Zero-shot: similarities are divided by it; the lower, the surer of the nearest label."
    )
    least_similarity: float = Field(
        0.35,
        ge=-1,
        le=1,
        description="Zero-shot: the cosine below which no label is near, and the one without descriptions is given.",
    )
    normalize: bool = Field(
        True,
        description="Undo disguised spelling before the model reads a text: lookalikes of other scripts, invisible"
        " characters, styled letters, stacked marks, f r e e, fr33. Results carry the text as it came, and in"
        " `normalized` what was undone. As the model was trained: `trainer fit` has the same switch.",
    )
    normalize_rules: Rules = Field(
        RULES,
        description="Which disguises are undone, separated by commas; leave out what is no disguise in your texts, such"
        " as `leet` where digits are letters (Arabic in Latin letters).",
    )
    prefix: str | None = Field(
        None,
        description="Text put before every text, for encoders that were trained with one (E5: `query: `). Another"
        " prefix is another embedding space. Unset: the bundle's own, else the prompt that the folder's"
        " config_sentence_transformers.json names as default, else none.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes CUDA where there is one.")
    engine: Literal["auto", "torch", "onnx"] = Field(
        "auto",
        description="What runs the network: auto is the fastest that agrees with fp32, found at the first start on a"
        " CPU; on CUDA it is torch. `onnx` (ONNX Runtime) runs on CPUs only.",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = Field(
        "auto",
        description="Arithmetic of the encoder: auto is found with the engine on a CPU, bf16 (else fp16) on CUDA."
        " `fp16` needs CUDA, `int8` the engine onnx.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="CPU threads of the forward pass; the cores that affinity and control group leave if unset.",
    )
    thresholds: dict[str, Share] | None = Field(
        None,
        description="Label -> least probability from which a text is given it, instead of those of the bundle; `{}`"
        " takes them away. At least one of exclusive labels has none: texts that reach no threshold are given it.",
    )
    max_tokens: int | None = Field(
        None, ge=8, description="Tokens of a window; the model's own window if unset. Longer texts are split."
    )
    max_windows: int = Field(
        8,
        ge=1,
        description="Most windows of a text, each a row of a device batch; what lies beyond is not read. 1 reads only"
        " the beginning.",
    )
    max_batch_tokens: int | None = Field(
        None,
        ge=16,
        description="Largest padded device batch (longest text x texts): costs memory; the engine's fastest if unset.",
    )
    cache_messages: int = Field(
        20_000,
        ge=0,
        description="Answers kept for exact repeats of a text, the latest so many: 1.7 kB each with the default model."
        " 0 keeps none.",
    )
    cache_directory: Path | None = Field(
        None,
        description="Where exported graphs and the choice of the engine are kept between starts; textsieve in the"
        " user's folder for caches if unset.",
    )

    @model_validator(mode="after")
    def _engine_computes_so(self) -> Self:
        chosen = f"model.engine {self.engine}, model.precision {self.precision}, model.device {self.device}"
        if self.precision == "int8" and self.engine == "torch":
            raise ValueError(f"{chosen}: int8 is made for ONNX Runtime; set model.engine to onnx or auto")
        if self.precision in ("bf16", "fp16") and self.engine == "onnx":
            raise ValueError(f"{chosen}: onnx computes in fp32 or int8; set model.engine to torch or auto")
        if self.precision == "fp16" and self.device == "cpu":
            raise ValueError(f"{chosen}: fp16 needs CUDA; set model.precision to bf16, fp32 or auto")
        if self.device == "cuda" and "onnx" in (self.engine, "onnx" if self.precision == "int8" else ""):
            raise ValueError(f"{chosen}: onnx and int8 run on CPUs; set model.device to cpu, or the others to auto")
        return self

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of normalisation in force."""
        return self.normalize_rules if self.normalize else ()

    @property
    def cache_folder(self) -> Path | None:
        """The folder in force; None where the user has no home."""
        return self.cache_directory.expanduser() if self.cache_directory else _user_cache()


def _user_cache() -> Path | None:
    """The user's folder for what can be made again: XDG_CACHE_HOME, else what the platform is used to."""
    stated = os.environ.get("XDG_CACHE_HOME")
    if stated and Path(stated).is_absolute():  # the specification says to ignore others
        return Path(stated) / "textsieve"
    with suppress(RuntimeError):  # a user without a home
        caches = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
        return Path.home().joinpath(*caches, "textsieve")
    return None
