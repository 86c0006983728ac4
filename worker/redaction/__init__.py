"""Personal data and secrets taken out of texts, right before something keeps or shows them."""

from textsieve.worker.redaction.budget import Budget
from textsieve.worker.redaction.keys import Keys, read_keys
from textsieve.worker.redaction.redactor import KINDS, Redacted, Redactor
from textsieve.worker.redaction.values import Fields, RedactedValue, redact_bytes, redact_json

__all__ = [
    "KINDS",
    "Budget",
    "Fields",
    "Keys",
    "Redacted",
    "RedactedValue",
    "Redactor",
    "read_keys",
    "redact_bytes",
    "redact_json",
]
