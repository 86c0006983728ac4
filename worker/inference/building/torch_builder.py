"""Builds networks by torch and transformers, whose import alone takes seconds: nothing imports this without need."""

import copy

import torch
from torch import nn

from textsieve.worker.inference.building.model import Model, predictor_over
from textsieve.worker.inference.engines.report import EngineReport, Precision
from textsieve.worker.inference.engines.torch import TorchEngine, choose_device, choose_dtype, precision_of
from textsieve.worker.inference.model_folder.folder import ModelFolder
from textsieve.worker.inference.networks.encoder import Encoder, encoder_of
from textsieve.worker.inference.networks.heads import identity
from textsieve.worker.inference.networks.modules import ClassifierNetwork, EncoderNetwork
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.settings import ModelSettings

CUDA_BATCH_TOKENS = 16_384  # on an H200 84 % of the best rate, an eighth of its memory: docs/gpu.md


def build_network(model: Model, *, threads: int | None, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The network of a model, without its head: it gives (features, embeddings).

    Args:
        model: what its folder says.
        threads: of torch, for the whole process: it has one pool; None leaves them.
        dtype: arithmetic of the encoder, or of the classifier.

    Raises:
        ConfigurationError: the folder's weights are missing or broken.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    encoder = encoder_of(model.files, dtype=dtype)
    if model.files.head is not None:
        return ClassifierNetwork(encoder.model, activation=identity)
    return EncoderNetwork(
        encoder.model,
        pooling=encoder.pooling,
        head=nn.Identity(),
        activation=identity,
        head_pooling=model.head_pooling,
        dense=encoder.dense,
    )


def load_bare_encoder(files: ModelFolder, settings: ModelSettings) -> Encoder:
    """The network of an encoder, in the arithmetic that the settings ask for.

    Raises:
        ConfigurationError: the folder's weights are missing or broken, or the device does not compute so.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    return encoder_of(files, dtype=choose_dtype(settings.precision, device=choose_device(settings.device)))


def torch_engine(network: nn.Module, precision: Precision) -> TorchEngine:
    """An engine on the CPU, over the network or a copy of it in bf16."""
    return TorchEngine(network if precision == "fp32" else in_bf16(network), device=torch.device("cpu"))


def in_bf16(network: nn.Module) -> nn.Module:
    """A copy whose encoder computes in bfloat16; what lies behind it stays in float32."""
    rough = copy.deepcopy(network)
    for name, child in rough.named_children():
        if name in ("encoder", "classifier"):
            child.to(torch.bfloat16)
    return rough


def cuda_predictor(model: Model, settings: ModelSettings) -> TransformerPredictor:
    """A predictor on the CUDA device, in the precision that it computes in best or that the settings name.

    Raises:
        ConfigurationError: the device does not compute so, or the folder is broken.
        DeviceOutOfMemory: the device cannot hold the weights.
    """
    device = choose_device(settings.device)
    dtype = choose_dtype(settings.precision, device=device)
    network = build_network(model, threads=settings.threads, dtype=dtype)
    budget = settings.max_batch_tokens or CUDA_BATCH_TOKENS
    report = EngineReport("torch", precision_of(dtype), "CUDA", budget, torch.get_num_threads())
    return predictor_over(TorchEngine(network, device=device, max_tokens=model.card.max_tokens), model, report)
