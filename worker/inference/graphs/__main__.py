"""`python -m worker.inference.graphs`: makes the shipped graphs again, from the encoders of packages, by torch."""

from worker.inference.bundle import SHIPPED, read_bundle
from worker.inference.calibration import Candidate
from worker.inference.engines.quantization import EIGHT_BITS, SEVEN_BITS
from worker.inference.engines.weightless import Weightless, without_weights
from worker.inference.graphs.shipped import FOLDER, ship
from worker.inference.kinds import bundle_model, embedding_model
from worker.inference.model_folder import Reading, read_encoder_folder
from worker.inference.multilingual.folder import NAME as MULTILINGUAL_NAME
from worker.inference.multilingual.folder import multilingual_folder
from worker.inference.sources import read_weights
from worker.inference.workshop import Model, graph_key
from worker.settings import ModelSettings

NAME = "all-minilm-l6-v2"
# every way that a processor without bf16 runs it; the bits of int8 depend on how a processor adds
SHIPPED_WAYS = (
    (Candidate("onnx", "fp32"), EIGHT_BITS),
    (Candidate("onnx", "int8"), EIGHT_BITS),
    (Candidate("onnx", "int8"), SEVEN_BITS),
)


def default_model() -> Model:
    """The encoder of the default, as its bundle reads it."""
    return bundle_model(read_bundle(SHIPPED), ModelSettings(device="cpu"))


def multilingual_model() -> Model:
    """The multilingual encoder, bare: a head has no part in a graph."""
    return embedding_model(read_encoder_folder(multilingual_folder(ModelSettings().cache_folder), Reading()))


def make(model: Model, candidate: Candidate, *, largest: int) -> Weightless:
    """Export a graph, and take its weights out."""
    from worker.inference.building import build_network  # noqa: PLC0415  # torch: only where graphs are made
    from worker.inference.engines.export import Arithmetic, export_graph  # noqa: PLC0415  # as above

    precision: Arithmetic = "int8" if candidate.precision == "int8" else "fp32"
    graph = export_graph(build_network(model, threads=None), precision=precision, largest_weight=largest)
    return without_weights(graph, read_weights(model.files.path), largest=largest)


def main() -> None:
    """Write them, and remove those of before."""
    for old in FOLDER.glob("*.graph"):
        old.unlink()
    for name, model in {NAME: default_model(), MULTILINGUAL_NAME: multilingual_model()}.items():
        for candidate, largest in SHIPPED_WAYS:
            key = graph_key(model, candidate, largest=largest)
            ship(make(model, candidate, largest=largest), name=name, key=key)


if __name__ == "__main__":
    main()
