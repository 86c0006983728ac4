"""The engine that runs a torch network on a CPU or a CUDA device."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from textsieve.worker.errors import ConfigurationError, DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.engines.engine import Answers, TokenBatch

WIDTH_STEP = 16  # tokens: on CUDA widths are rounded up to it, so that few shapes come and kernels are found again

# cuDNN's attention, which torch prefers where it can, is planned anew for every shape, and a stream has thousands
ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]

# how torch says it without its own exception type: CPU allocator, cuBLAS, old CUDA messages
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device to run on; `auto` takes CUDA where there is one.

    Raises:
        ConfigurationError: CUDA was asked for and is not there.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise ConfigurationError("model.device: expected a CUDA device, got none; set model.device to cpu or auto")
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def choose_dtype(wanted: Literal["auto", "fp32", "bf16", "fp16", "int8"], *, device: torch.device) -> torch.dtype:
    """The arithmetic a network is loaded in; `auto` on CUDA is bf16 where the device computes in it, else fp16.

    On a CPU it is fp32 whatever is wanted: engines with another arithmetic are made from that.

    Raises:
        ConfigurationError: the device does not compute so.
    """
    if device.type != "cuda":
        return torch.float32
    if wanted == "int8":
        raise ConfigurationError(
            "model.precision: int8 runs on CPUs, got a CUDA device; set model.device to cpu, or the precision to auto"
        )
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    if wanted == "bf16" and not native:
        raise ConfigurationError(
            "model.precision: expected a CUDA device that computes in bf16, got one that cannot; "
            "set model.precision to fp16 or fp32"
        )
    if wanted == "auto":
        return torch.bfloat16 if native else torch.float16
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[wanted]


def precision_of(dtype: torch.dtype) -> Literal["fp32", "bf16", "fp16"]:
    """The name of an arithmetic."""
    names: dict[torch.dtype, Literal["fp32", "bf16", "fp16"]] = {torch.bfloat16: "bf16", torch.float16: "fp16"}
    return names.get(dtype, "fp32")


def widened(batch: TokenBatch, *, step: int) -> TokenBatch:
    """The batch with masked columns on the right, up to the next multiple of the step.

    The token id there is 0: every vocabulary has it, and no answer depends on it.
    """
    rows, width = batch.input_ids.shape
    missing = -width % step
    if not missing:
        return batch
    padding = np.zeros((rows, missing), np.int64)
    return TokenBatch(
        input_ids=np.concatenate([batch.input_ids, padding], axis=1),
        attention_mask=np.concatenate([batch.attention_mask, padding], axis=1),
    )


class TorchEngine:
    """Runs a network that gives (features, embeddings) for token ids and an attention mask.

    Args:
        network: moved to the device and put in evaluation mode; its arithmetic is left as it is.
        device: where to run.
        max_tokens: the model's window, beyond which no width is rounded up.

    Raises:
        DeviceOutOfMemory: the device cannot hold the weights.
    """

    def __init__(self, network: nn.Module, *, device: torch.device, max_tokens: int = 0) -> None:
        try:
            self._network = network.to(device).eval()
        except torch.OutOfMemoryError as error:
            raise DeviceOutOfMemory(f"{device}: no memory for the model's weights") from error
        self._device = device
        self._max_tokens = max_tokens

    def embed_and_classify(self, batch: TokenBatch) -> Answers:
        """Run one padded batch; see `Engine` for the contract."""
        if self._device.type == "cuda" and batch.input_ids.shape[1] + WIDTH_STEP <= self._max_tokens:
            batch = widened(batch, step=WIDTH_STEP)
        try:
            with torch.inference_mode(), sdpa_kernel(ATTENTION):
                features, embeddings = self._network(
                    self._to_device(batch.input_ids), self._to_device(batch.attention_mask)
                )
                return Answers(features=features.cpu().numpy(), embeddings=embeddings.cpu().numpy())
        except Exception as error:  # a model is foreign code: whatever it raises becomes one of our two
            rows, width = batch.input_ids.shape
            if _is_out_of_memory(error):
                # what is left cached is given back, so that a smaller batch finds it in one piece
                if self._device.type == "cuda":
                    torch.cuda.empty_cache()
                raise DeviceOutOfMemory(
                    f"{self._device}: no memory for {rows} texts of up to {width} tokens; lower model.max_batch_tokens"
                ) from error
            raise PredictorError(
                f"the model raised {type(error).__name__} on {rows} texts of up to {width} tokens"
            ) from error

    def _to_device(self, array: NDArray[np.int64]) -> Tensor:
        tensor = torch.from_numpy(array)
        if self._device.type != "cuda":
            return tensor
        # page-locked memory (cached by torch) lets the copy overlap with the launch of the first kernels
        return tensor.pin_memory().to(self._device, non_blocking=True)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)
