"""The default model in the forms that others take: two Hugging Face folders, and ONNX graphs of one pass."""

import shutil
import sys
from pathlib import Path

import torch
from onnxruntime import quantization
from transformers import AutoConfig, AutoTokenizer, BertForSequenceClassification

from textsieve.worker.inference.bundle.manifest import SHIPPED
from textsieve.worker.inference.bundle.reading import read_bundle
from textsieve.worker.inference.model_folder.model_files import package_folder
from textsieve.worker.inference.networks.encoder import load_encoder
from textsieve.worker.inference.networks.heads import LinearHead, activation_of
from textsieve.worker.inference.networks.modules import EncoderNetwork


def prepare(folder: Path) -> Path:
    """Write `encoder`, `classifier`, `hand-fp32.onnx` and `hand-int8.onnx` below `folder`, from the same weights.

    The classifier is a BertForSequenceClassification over the encoder's own weights: encoder, pooler and a linear layer
    to two labels, which is what such a pipeline serves. Our head reads the mean of all tokens, which that class cannot,
    so the labels it gives mean nothing; what it costs is what any classifier of this size costs.
    """
    bundle, source = read_bundle(SHIPPED), package_folder()
    shutil.copytree(source, folder / "encoder")
    config = AutoConfig.from_pretrained(source, num_labels=2, id2label={0: "ham", 1: "spam"})
    classifier = BertForSequenceClassification.from_pretrained(source, config=config)
    with torch.no_grad():
        classifier.classifier.weight.copy_(torch.from_numpy(bundle.weight))
        classifier.classifier.bias.copy_(torch.from_numpy(bundle.bias))
    classifier.save_pretrained(folder / "classifier")
    AutoTokenizer.from_pretrained(source).save_pretrained(folder / "classifier")
    encoder = load_encoder(source, max_tokens=bundle.manifest.max_tokens, pooling=bundle.manifest.pooling)
    network = EncoderNetwork(
        encoder.model,
        pooling=encoder.pooling,
        head=LinearHead(bundle.weight, bundle.bias),
        activation=activation_of(multi_label=False),
    ).eval()
    _export(network, folder / "hand-fp32.onnx")
    quantization.quantize_dynamic(
        folder / "hand-fp32.onnx",
        folder / "hand-int8.onnx",
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
    )
    return folder


def _export(network: torch.nn.Module, path: Path) -> None:
    rows, width = torch.export.Dim("rows", min=1, max=4096), torch.export.Dim("width", min=2, max=512)
    example = torch.ones((3, 11), dtype=torch.int64)
    shapes = ({0: rows, 1: width}, {0: rows, 1: width})
    with torch.inference_mode():
        torch.onnx.export(
            network,
            (example, example),
            path,
            input_names=["input_ids", "attention_mask"],
            output_names=["probabilities", "embeddings"],
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir()
    prepare(Path(sys.argv[1]))
