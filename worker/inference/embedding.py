"""A predictor without labels by torch, and the network inside it: what training needs."""

from textsieve.worker.inference.building.warmup import warmed_up
from textsieve.worker.inference.engines.report import DEFAULT_BATCH_TOKENS
from textsieve.worker.inference.engines.torch import TorchEngine, choose_device
from textsieve.worker.inference.model_factories import embedding_model
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.inference.networks.heads import NoHead, identity
from textsieve.worker.inference.networks.modules import EncoderNetwork
from textsieve.worker.inference.prediction.transformer import TransformerPredictor
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.settings import ModelSettings


def embedding_predictor(encoder: Encoder, settings: ModelSettings) -> Predictor:
    """A predictor without labels, always by torch: its probabilities are [batch, 0].

    Raises:
        ConfigurationError: the encoder does not answer.
    """
    network = EncoderNetwork(
        encoder.model, pooling=encoder.pooling, head=NoHead(), activation=identity, dense=encoder.dense
    )
    model = embedding_model(encoder.files)
    return warmed_up(
        model,
        lambda: TransformerPredictor(
            model.card,
            tokenizer=encoder.tokenizer,
            engine=TorchEngine(network, device=choose_device(settings.device)),
            max_batch_tokens=settings.max_batch_tokens or DEFAULT_BATCH_TOKENS,
        ),
    )
