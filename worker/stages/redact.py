"""Redact: texts and attributes without what is personal or secret in them; the model has read them before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec
from msgspec import UNSET, UnsetType

from textsieve.worker.batch import Batch, Column
from textsieve.worker.columns import ATTRIBUTES, TEXT
from textsieve.worker.records import DeadLetter
from textsieve.worker.redaction import Budget, Fields, Redactor, redact_json
from textsieve.worker.stages.tenants import tenant_of

_REDACTED: Final = Column[Sequence[Mapping[str, int] | UnsetType]]("redacted")  # how much of each kind
_KEY: Final = Column[Sequence[str | UnsetType]]("redaction_key")  # id of the key of pseudonyms
_TOO_DEEP: Final = "expected JSON, got arrays or objects nested deeper than can be redacted"

Attributes = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Redact:
    """Stands right before what makes results, so that nothing behind it sees what it takes out.

    Attributes:
        tenant_field: name or path of the attribute that says whose text it is, if there is one.
    """

    redactor: Redactor
    tenant_field: str | None = None
    needs: ClassVar[tuple[Column[Any], ...]] = (TEXT, ATTRIBUTES)
    gives: ClassVar[tuple[Column[Any], ...]] = (TEXT, ATTRIBUTES, _REDACTED, _KEY)
    fields: ClassVar[Mapping[str, Column[Any]]] = {"redacted": _REDACTED, "redaction_key": _KEY}

    def run(self, batch: Batch) -> Batch:
        """See Stage."""
        found = [self._row(text, attributes) for text, attributes in zip(batch[TEXT], batch[ATTRIBUTES], strict=True)]
        rows = [row for row in found if row is not None]
        if len(rows) < len(found):
            lost = (record for record, row in zip(batch.records, found, strict=True) if row is None)
            rejected = [DeadLetter(record, "decode", "not_json", _TOO_DEEP) for record in lost]
            batch = batch.take([place for place, row in enumerate(found) if row is not None], rejected=rejected)
        key = UNSET if self.redactor.key_id is None else self.redactor.key_id
        return batch.with_columns(
            TEXT.of([row.text for row in rows]),
            ATTRIBUTES.of([row.attributes for row in rows]),
            _REDACTED.of([row.counts or UNSET for row in rows]),
            _KEY.of([key if row.is_keyed else UNSET for row in rows]),
        )

    def _row(self, text: str, attributes: Attributes) -> "_Row | None":
        """What may be published, or None where nobody can look into all of it."""
        try:
            return self._clean(text, attributes)
        except RecursionError:  # Decode passes over what lies deep, here it is read
            return None

    def _clean(self, text: str, attributes: Attributes) -> "_Row":
        tenant = tenant_of(attributes, self.tenant_field)
        budget = Budget()
        redacted = self.redactor.redact(text, tenant=tenant, budget=budget)
        counts = Counter(redacted.counts)
        clean = Fields()
        for name, raw in attributes.items():
            shown = self.redactor.redact(name, tenant=tenant, budget=budget)
            value = redact_json(self.redactor, bytes(raw), tenant=tenant, budget=budget)  # type: ignore[call-overload]  # msgspec.Raw
            clean.add(shown.text, msgspec.Raw(value.value))
            counts.update(shown.counts)
            counts.update(value.counts)
        return _Row(redacted.text, clean.values, counts, is_keyed=tenant is not None and bool(counts))


@dataclass(frozen=True, slots=True)
class _Row:
    """What may be published of one message."""

    text: str
    attributes: Attributes
    counts: Mapping[str, int]
    is_keyed: bool  # whether what was taken out has pseudonyms, where there are any
