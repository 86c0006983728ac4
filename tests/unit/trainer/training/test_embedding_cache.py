"""What was embedded is not embedded again, however a run ends."""

import numpy as np
import pytest

from textsieve.trainer.training.embedding_cache import PART, cached_embeddings, clear_embedding_cache

TEXTS = [f"text {number}" for number in range(PART + 7)]


def lengths(texts):
    return np.array([[float(text.removeprefix("text "))] for text in texts], dtype=np.float32)


def never(texts):
    pytest.fail("embedded again")


def test_embeddings_come_in_the_order_of_the_texts_the_second_time_too(tmp_path):
    first = cached_embeddings(tmp_path, encoder="a", texts=TEXTS, embed=lengths)
    second = cached_embeddings(tmp_path, encoder="a", texts=TEXTS, embed=never)

    assert list(range(PART + 7)) == first[:, 0].tolist() == second[:, 0].tolist()


def test_an_interruption_loses_the_part_in_hand_only(tmp_path):
    def interrupted(texts):
        if len(texts) < PART:
            raise KeyboardInterrupt
        return lengths(texts)

    with pytest.raises(KeyboardInterrupt):
        cached_embeddings(tmp_path, encoder="a", texts=TEXTS, embed=interrupted)
    sizes = []
    cached_embeddings(
        tmp_path, encoder="a", texts=TEXTS, embed=lambda texts: sizes.append(len(texts)) or lengths(texts)
    )

    assert [7] == sizes


def test_another_encoder_embeds_anew(tmp_path):
    cached_embeddings(tmp_path, encoder="a", texts=TEXTS[:3], embed=lengths)

    other = cached_embeddings(tmp_path, encoder="b", texts=TEXTS[:3], embed=lambda texts: lengths(texts) + 1)

    assert [1, 2, 3] == other[:, 0].tolist()


def test_what_is_forgotten_leaves_nothing(tmp_path):
    cached_embeddings(tmp_path, encoder="a", texts=TEXTS, embed=lengths)

    clear_embedding_cache(tmp_path)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"text"])
def test_what_was_cut_is_embedded_anew(tmp_path, content):
    cached_embeddings(tmp_path, encoder="a", texts=TEXTS[:3], embed=lengths)
    for path in tmp_path.iterdir():
        path.write_bytes(content)

    again = cached_embeddings(tmp_path, encoder="a", texts=TEXTS[:3], embed=lengths)

    assert [0, 1, 2] == again[:, 0].tolist()
