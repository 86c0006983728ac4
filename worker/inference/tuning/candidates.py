"""The ways to run a model that the settings and this machine allow."""

from importlib import util

from textsieve.worker import logs
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.cpu_info import Cpu, has_gpu_driver
from textsieve.worker.inference.engines.report import (
    ONNX_FP32,
    ONNX_INT8,
    REFERENCE,
    Candidate,
)
from textsieve.worker.settings import ModelSettings

log = logs.get_logger("model")


def allowed_candidates(
    settings: ModelSettings, *, cpu: Cpu, onnx_installed: bool, torch_installed: bool = True, proven: bool = False
) -> list[Candidate]:
    """The ways to run on this CPU that the settings allow; float32 first, then the likely winners.

    Args:
        settings: engine and precision.
        cpu: what it computes natively.
        onnx_installed: whether ONNX Runtime is.
        torch_installed: whether torch is.
        proven: a graph in float32 is at hand that answers as torch does: torch's float32, slower, need not be tried.

    Raises:
        ConfigurationError: there is none.
    """
    ways = [REFERENCE, ONNX_INT8, Candidate("torch", "bf16"), ONNX_FP32]
    installed = {"onnx": onnx_installed, "torch": torch_installed}
    allowed = [
        way
        for way in ways
        if settings.engine in ("auto", way.engine)
        and settings.precision in ("auto", way.precision)
        and installed[way.engine]
        and (cpu.native_bf16 or way.precision != "bf16" or settings.precision == "bf16")
        and not (proven and way == REFERENCE and settings.engine == "auto")
    ]
    if not allowed:
        remedy = "run `pip install onnxruntime` and `make torch` (`pip install 'textsieve[torch]'`)"
        remedy = "fp16 needs CUDA" if settings.precision == "fp16" else remedy
        raise ConfigurationError(
            f"model.engine {settings.engine}, model.precision {settings.precision}: nothing on this machine runs so; "
            f"{remedy}, or set both to auto"
        )
    return allowed


def device_of(settings: ModelSettings) -> str:
    """`cuda` or `cpu`; torch, which knows, is imported only where a driver says that there may be a GPU.

    Raises:
        ConfigurationError: CUDA was asked for, and it or torch is not there.
    """
    if settings.device == "cpu" or (settings.device == "auto" and not has_gpu_driver()):
        return "cpu"
    if settings.device == "auto" and util.find_spec("torch") is None:
        log.warning("a GPU's driver is loaded, and torch is not installed: the CPU is used; `make torch` installs it")
        return "cpu"
    if util.find_spec("torch") is None:
        raise ConfigurationError(
            "model.device: expected torch, which runs CUDA devices, got none; run `make torch`, or "
            "`pip install 'textsieve[torch]'`, or set model.device to cpu"
        )
    from textsieve.worker.inference.engines.torch import choose_device  # noqa: PLC0415  # imports torch: seconds

    return choose_device(settings.device).type
