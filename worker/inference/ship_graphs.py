"""`python -m worker.inference.ship_graphs`: makes again what is shipped of the encoders of packages, by torch."""

from textsieve.worker.inference.building.model import Model, graph_key, ranging_batches
from textsieve.worker.inference.bundle.manifest import SHIPPED
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.engines.report import ONNX_FP32
from textsieve.worker.inference.graphs.external_weights import without_weights
from textsieve.worker.inference.graphs.shipped import FOLDER, ship, ship_ranges
from textsieve.worker.inference.model_factories import bundle_model, embedding_model
from textsieve.worker.inference.model_folder.folder import ReadOptions
from textsieve.worker.inference.model_folder.model_files import read_weights
from textsieve.worker.inference.model_folder.reading import read_encoder_folder
from textsieve.worker.inference.multilingual.folder import NAME as MULTILINGUAL_NAME
from textsieve.worker.inference.multilingual.folder import multilingual_folder
from textsieve.worker.settings import ModelSettings

NAME = "all-minilm-l6-v2"


def default_model() -> Model:
    """The encoder of the default, as its bundle reads it."""
    return bundle_model(read_bundle(SHIPPED), ModelSettings(device="cpu"))


def multilingual_model() -> Model:
    """The multilingual encoder, bare: a head has no part in a graph."""
    return embedding_model(read_encoder_folder(multilingual_folder(ModelSettings().cache_folder), ReadOptions()))


def exported(model: Model) -> bytes:
    """The graph that torch makes of it."""
    from textsieve.worker.inference.building.torch_builder import build_network  # noqa: PLC0415  # torch: only where graphs are made
    from textsieve.worker.inference.graphs.export import export_graph  # noqa: PLC0415  # as above

    return export_graph(build_network(model, threads=None))


def main() -> None:
    """Write them, and remove those of before."""
    from textsieve.worker.inference.graphs.int8 import ranges_of  # noqa: PLC0415  # onnx: only where graphs are made

    for old in (*FOLDER.glob("*.graph"), *FOLDER.glob("*.ranges")):
        old.unlink()
    for name, model in ((NAME, default_model()), (MULTILINGUAL_NAME, multilingual_model())):
        graph, key = exported(model), graph_key(model, ONNX_FP32)
        ship(without_weights(graph, read_weights(model.files.path)), name=name, key=key)
        ship_ranges(ranges_of(graph, ranging_batches(model)), name=name, key=key)


if __name__ == "__main__":
    main()
