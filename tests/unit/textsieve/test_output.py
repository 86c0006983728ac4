import io
import sys

import pytest

from textsieve.output import OutputLost, standard_output


def test_characters_that_the_encoding_lacks_are_spelled_out(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    with standard_output() as out:
        out.write("naïve\n")

    assert written.getvalue() == b"na\\xefve\n"


def test_an_output_that_is_closed_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(OutputLost, match="closed"), standard_output():
        pass
