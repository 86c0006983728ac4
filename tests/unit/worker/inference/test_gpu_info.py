"""A reading of a CUDA device has what the device tells, and nothing fails for what it does not."""

import pytest
import torch

from textsieve.worker.inference.gpu_info import gpu_reader


class NVMLError(Exception):
    """As pynvml's: of no type that torch or Python know."""


@pytest.fixture
def device(monkeypatch):
    """torch.cuda as far as a reading asks it; gives the function that says how busy the device is."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (60, 100))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 30)
    return lambda answer: monkeypatch.setattr(torch.cuda, "utilization", answer)


def _failing(error):
    def utilization():
        raise error

    return utilization


def test_a_reading_has_memory_and_utilisation(device):
    device(lambda: 50)

    reading = gpu_reader()()

    assert {"used": 40, "reserved": 30, "total": 100} == reading.memory_bytes
    assert ("0", 0.5) == (reading.index, reading.utilization)


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("nvidia-ml-py"), RuntimeError("driver"), NVMLError("unsupported")]
)
def test_a_device_that_does_not_know_how_busy_it_is_is_read_all_the_same(device, error):
    device(_failing(error))

    reading = gpu_reader()()

    assert (40, None) == (reading.memory_bytes["used"], reading.utilization)


def test_where_nothing_runs_on_cuda_there_is_nothing_to_read(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert gpu_reader() is None
