"""The torch engine turns whatever a network raises into the two errors of the protocol."""

import numpy as np
import pytest
import torch
from torch import nn

from textsieve.worker.errors import ConfigurationError, DeviceOutOfMemory, PredictorError
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.engines.torch import TorchEngine, choose_device, choose_dtype, precision_of, widened

CPU = torch.device("cpu")
BATCH = TokenBatch(input_ids=np.ones((2, 3), dtype=np.int64), attention_mask=np.ones((2, 3), dtype=np.int64))

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


class Raising(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, *_):
        raise self.error


class Tracing(nn.Module):
    def forward(self, input_ids, attention_mask):
        self.inference = torch.is_inference_mode_enabled() and not self.training
        return input_ids.float(), attention_mask.float()


def test_probabilities_come_first_and_embeddings_second():
    answers = TorchEngine(Tracing(), device=CPU).embed_and_classify(BATCH)

    assert (np.float32, np.float32) == (answers.features.dtype, answers.embeddings.dtype)


def test_the_network_runs_in_inference_and_evaluation_mode():
    network = Tracing()

    TorchEngine(network, device=CPU).embed_and_classify(BATCH)

    assert network.inference


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_every_way_to_run_out_of_memory_says_so(error):
    with pytest.raises(DeviceOutOfMemory, match=r"model\.max_batch_tokens"):
        TorchEngine(Raising(error), device=CPU).embed_and_classify(BATCH)


@pytest.mark.parametrize("error", [RuntimeError("my secret"), ValueError("my secret"), IndexError("my secret")])
def test_any_other_error_is_a_predictor_error_without_its_words(error):
    with pytest.raises(PredictorError) as caught:
        TorchEngine(Raising(error), device=CPU).embed_and_classify(BATCH)

    assert not isinstance(caught.value, DeviceOutOfMemory)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is error


@no_cuda
def test_auto_is_the_cpu_where_there_is_no_cuda():
    assert CPU == choose_device("auto")


@no_cuda
def test_asking_for_cuda_where_there_is_none_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match=r"model\.device"):
        choose_device("cuda")


@pytest.mark.parametrize("wanted", ["auto", "fp32", "bf16", "int8"])
def test_networks_are_loaded_in_float32_on_the_cpu(wanted):
    assert torch.float32 == choose_dtype(wanted, device=CPU)


class FakeCuda:
    """torch.cuda as far as the choice of an arithmetic asks it."""

    def __init__(self, *, bf16):
        self.bf16 = bf16

    def is_bf16_supported(self, *, including_emulation):
        assert not including_emulation
        return self.bf16


@pytest.mark.parametrize(
    ("wanted", "bf16", "expected"),
    [
        ("auto", True, "bf16"),
        ("auto", False, "fp16"),
        ("fp32", True, "fp32"),
        ("fp16", True, "fp16"),
        ("bf16", True, "bf16"),
    ],
)
def test_precision_on_cuda(monkeypatch, wanted, bf16, expected):
    monkeypatch.setattr(torch, "cuda", FakeCuda(bf16=bf16))

    assert expected == precision_of(choose_dtype(wanted, device=torch.device("cuda")))


@pytest.mark.parametrize("wanted", ["bf16", "int8"])
def test_a_precision_that_the_cuda_device_lacks_is_a_configuration_error(monkeypatch, wanted):
    monkeypatch.setattr(torch, "cuda", FakeCuda(bf16=False))

    with pytest.raises(ConfigurationError, match=r"model\.precision"):
        choose_dtype(wanted, device=torch.device("cuda"))


class Asking(nn.Module):
    """Notes whether torch may take cuDNN's attention while it runs."""

    def __init__(self):
        super().__init__()
        self.allowed = []

    def forward(self, input_ids, _mask):
        self.allowed.append(torch.backends.cuda.cudnn_sdp_enabled())
        rows = torch.ones((len(input_ids), 2))
        return rows, rows


def test_attention_is_not_planned_anew_for_every_shape():
    network = Asking()
    before = torch.backends.cuda.cudnn_sdp_enabled()

    TorchEngine(network, device=CPU).embed_and_classify(BATCH)

    assert [False] == network.allowed
    assert before == torch.backends.cuda.cudnn_sdp_enabled()


@pytest.mark.parametrize(("width", "expected"), [(1, 8), (8, 8), (9, 16)])
def test_widths_are_rounded_up_with_masked_tokens(width, expected):
    ones = np.ones((2, width), np.int64)

    wide = widened(TokenBatch(ones, ones), step=8)

    assert (2, expected) == wide.input_ids.shape == wide.attention_mask.shape
    assert 2 * width == wide.attention_mask.sum() == wide.input_ids.sum()


@pytest.mark.skipif(
    not torch.cuda.is_available(),
    reason="documented: there is no CUDA device; docs/gpu.md says what never ran on one",
)
def test_cuda_computes_what_the_cpu_does():
    on_cuda = TorchEngine(Tracing(), device=choose_device("cuda")).embed_and_classify(BATCH)

    assert np.array_equal(BATCH.input_ids, on_cuda.features)
