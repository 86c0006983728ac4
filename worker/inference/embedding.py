"""A predictor without labels by torch, and the network inside it: what training needs."""

from worker.inference.calibration import FIRST_BUDGET
from worker.inference.encoder import Encoder
from worker.inference.engines.torch import TorchEngine, choose_device
from worker.inference.firstwords import answering
from worker.inference.kinds import embedding_model
from worker.inference.layers import NoHead, unchanged
from worker.inference.networks import EncoderNetwork
from worker.inference.predictor import Predictor
from worker.inference.transformer import TransformerPredictor
from worker.settings import ModelSettings


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
