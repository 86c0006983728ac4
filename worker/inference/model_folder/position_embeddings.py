"""How many tokens the position table of a network has room for, from its config.json."""

from collections.abc import Mapping
from typing import Any

_TABLES = ("max_position_embeddings", "n_positions", "max_seq_len")  # how architectures call it
_NO_TABLE = frozenset({"t5", "mt5", "umt5", "longt5", "xlnet", "funnel", "bloom", "mpt"})  # positions are relative
# their position ids start after the padding id, so the table has that many rows that no text can use
_AFTER_PADDING = frozenset({
    "camembert", "data2vec-text", "ibert", "layoutlmv3", "lilt", "longformer", "luke", "markuplm", "mpnet", "roberta",
    "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
})  # fmt: skip
_THEIR_PADDING = 1  # of all of these, where config.json does not say


def positions(config: Mapping[str, Any]) -> int | None:
    """Tokens of the longest text, special tokens included; None where the table has no end, or is not stated."""
    kind = config.get("model_type")
    size = next((config[name] for name in _TABLES if isinstance(config.get(name), int)), None)
    if size is None or size <= 0 or kind in _NO_TABLE:
        return None
    padding = config.get("pad_token_id")
    if kind in _AFTER_PADDING or (kind == "esm" and config.get("position_embedding_type", "absolute") == "absolute"):
        return int(size) - (_THEIR_PADDING if padding is None else int(padding)) - 1
    return int(size)
