"""A predictor without labels by torch, and the network inside it: what training needs."""

from textsieve.worker.inference.calibration import FIRST_BUDGET
from textsieve.worker.inference.encoder import Encoder
from textsieve.worker.inference.engines.torch import TorchEngine, choose_device
from textsieve.worker.inference.firstwords import answering
from textsieve.worker.inference.kinds import embedding_model
from textsieve.worker.inference.layers import NoHead, unchanged
from textsieve.worker.inference.networks import EncoderNetwork
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.inference.transformer import TransformerPredictor
from textsieve.worker.settings import ModelSettings


def embedding_predictor(encoder: Encoder, settings: ModelSettings) -> Predictor:
    """A predictor without labels, always by torch: its probabilities are [batch, 0].

    Raises:
        ConfigurationError: the encoder does not answer.
    """
    network = EncoderNetwork(
        encoder.model, pooling=encoder.pooling, head=NoHead(), activation=unchanged, dense=encoder.dense
    )
    model = embedding_model(encoder.files)
    return answering(
        model,
        lambda: TransformerPredictor(
            model.card,
            tokenizer=encoder.tokenizer,
            engine=TorchEngine(network, device=choose_device(settings.device)),
            max_batch_tokens=settings.max_batch_tokens or FIRST_BUDGET,
        ),
    )
