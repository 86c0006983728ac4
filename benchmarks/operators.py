"""Where a forward pass spends its time, operator by operator, by ONNX Runtime's own profile.

One thread, the built-in model, made-up messages sorted by length as a worker sorts them. It says how much of a pass is
matrix products, and so how near to the roof of docs/benchmarks.md a pass can come at all.

    taskset -c 1 python -m benchmarks.operators
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnxruntime

from benchmarks.machine import described
from textsieve.producer.scenario import generate
from textsieve.worker.batching import cut_batches
from textsieve.worker.inference.engines.engine import TokenBatch
from textsieve.worker.inference.engines.onnx import INPUTS, OUTPUTS
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.settings import ModelSettings

HERE = Path(__file__).parent
TEXTS = 2000
MAX_BATCH_TOKENS = 256  # what calibrations choose on the machine of the committed results
PRECISIONS = ("fp32", "int8")


def main() -> None:
    """Profile both graphs and write results/operators.json."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    outcome = {
        "texts": TEXTS,
        "share_of_operator_time": {},
        "machine": described("kafka-python", "redis", "numpy", "scikit-learn"),
    }
    for precision in PRECISIONS:
        outcome["share_of_operator_time"][precision] = shares(precision)
    text = json.dumps(outcome, indent=1)
    (HERE / "results" / "operators.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def shares(precision: str) -> dict[str, float]:
    """The share of each kind of operator in the time of all operators, the largest first."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        settings = {"engine": "onnx", "precision": precision, "threads": 1, "cache_directory": folder}
        predictor = load_predictor(ModelSettings.model_validate({**settings, "max_batch_tokens": MAX_BATCH_TOKENS}))
        graph = next(folder.glob(f"graph-{precision}-*")).read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / "profile")
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        for batch in batches(predictor):
            session.run(OUTPUTS, dict(zip(INPUTS, (batch.input_ids, batch.attention_mask), strict=True)))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    spent: Counter[str] = Counter()
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith("_kernel_time"):
            spent[event["args"]["op_name"]] += event["dur"]
    return {name: round(spent[name] / spent.total(), 4) for name, _ in spent.most_common()}


def batches(predictor) -> Iterator[TokenBatch]:  # noqa: ANN001  # a TransformerPredictor, whose parts are used
    """Made-up messages as token batches."""
    texts = [json.loads(message.value)["text"] for message in generate(TEXTS, seed=1, malformed_share=0)]
    tokens = predictor._tokenize(texts)  # noqa: SLF001
    for rows in cut_batches(tokens.lengths, max_batch_tokens=MAX_BATCH_TOKENS):
        yield predictor._tokenizer.pad(tokens, rows)  # noqa: SLF001


if __name__ == "__main__":
    main()
