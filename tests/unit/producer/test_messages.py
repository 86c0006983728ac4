import json

from hypothesis import given, settings
from hypothesis import strategies as st

from textsieve.producer.messages import encode

TEXTS = st.text()


@settings(deadline=None)
@given(
    text=TEXTS, document_id=TEXTS, attributes=st.dictionaries(TEXTS, TEXTS | st.integers() | st.booleans() | st.none())
)
def test_a_message_decodes_to_what_it_was_made_of(text, document_id, attributes):
    attributes = {name: value for name, value in attributes.items() if name not in {"id", "text"}}

    assert json.loads(encode(text, document_id=document_id, attributes=attributes)) == {
        "id": document_id,
        "text": text,
        **attributes,
    }


def test_a_missing_id_is_left_out():
    assert encode("hello", document_id=None, attributes={}) == b'{"text":"hello"}'
