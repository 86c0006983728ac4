"""From records to answers: the one list of stages, and the way of a batch through them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textsieve.worker.batch import Batch, Column
from textsieve.worker.counting.increments import CountingStage, Counts
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.normalization import normalizer
from textsieve.worker.outcome import Outcome
from textsieve.worker.records import Assignments, Embeddings, Record
from textsieve.worker.redaction import Redactor
from textsieve.worker.settings import Settings
from textsieve.worker.stages.assign import Assign
from textsieve.worker.stages.campaign import FindCampaign
from textsieve.worker.stages.dead_letters import DeadLetterEncoder
from textsieve.worker.stages.decode import Decode
from textsieve.worker.stages.encode import Encode, Model, contributed_fields
from textsieve.worker.stages.label import Label
from textsieve.worker.stages.normalize import Normalize
from textsieve.worker.stages.predict import Predict
from textsieve.worker.stages.redact import Redact
from textsieve.worker.stages.stage import Stage, check_stages


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Pure with respect to Kafka: the same records give the same outcome, and nothing is sent or learned here.

    Attributes:
        stages: in their order; the last one gives results.
        now_ms: the clock, Unix time in milliseconds.

    Raises:
        ValueError: the stages do not fit together.
    """

    stages: Sequence[Stage]
    dead_letters: DeadLetterEncoder
    now_ms: Callable[[], int]

    def __post_init__(self) -> None:
        check_stages(self.stages)

    @property
    def counts(self) -> Sequence[Column[Sequence[Counts]]]:
        """The columns of what rows add to counters in the store; none where no stage counts."""
        return [stage.counts for stage in self.stages if isinstance(stage, CountingStage)]

    def process(self, records: Sequence[Record]) -> Outcome:
        """Answer every record with exactly one result or one dead letter, or the first ones where time is short.

        Records that are skipped are among them, without an answer.

        Raises:
            PredictorError: the model fails on everything, or the device has no memory: nobody's message is at fault.
        """
        batch = Batch.of(records)
        for stage in self.stages:
            if not len(batch):
                break
            batch = stage.run(batch)
        now_ms = self.now_ms()
        return Outcome(batch, [self.dead_letters.encode(letter, now_ms) for letter in batch.rejected])


def build_pipeline(
    settings: Settings,
    *,
    predictor: Predictor,
    assign: Callable[[Embeddings], Assignments],
    now_ms: Callable[[], int],
    campaigns: FindCampaign | None = None,
    more: Sequence[Stage] = (),
) -> Pipeline:
    """The stages of a worker: a new one is one file in `stages` and one line here.

    Args:
        settings: all options.
        predictor: the model.
        assign: embeddings [rows, dim] to the nearest shared centroids.
        now_ms: the clock, Unix time in milliseconds.
        campaigns: finds near-duplicates; None: nobody asks for them.
        more: stages of somebody else's, before texts are redacted.

    Raises:
        ConfigurationError: see `redactor_of`.
        ValueError: the stages do not fit together.
    """
    redactor = redactor_of(settings)
    incoming, outgoing, card = settings.input, settings.output, predictor.card
    stages: tuple[Stage, ...] = (
        Decode(incoming.format, incoming.text_field, incoming.id_field, incoming.max_value_bytes, incoming.tombstones),
        Normalize(normalizer(settings.model.rules)),
        Predict(predictor),
        Label(card),
        Assign(assign),
        *((campaigns,) if campaigns else ()),
        *more,
        *((Redact(redactor, settings.redact.tenant_field),) if redactor and outgoing.text == "redacted" else ()),
    )
    encode = Encode(
        contributed_fields(stages),
        Model(card.name, card.version),
        now_ms,
        outgoing.text != "none",
        outgoing.embedding,
        outgoing.timestamp,
        outgoing.max_message_bytes,
    )
    dead_letters = DeadLetterEncoder(
        outgoing.timestamp,
        outgoing.max_message_bytes,
        settings.dead_letters.value,
        redactor,
        settings.redact.tenant_field,
        incoming.max_value_bytes,
    )
    return Pipeline((*stages, encode), dead_letters, now_ms)


def redactor_of(settings: Settings) -> Redactor | None:
    """What takes personal data out of results or dead letters, where the settings ask for it.

    Raises:
        ConfigurationError: a region or the file with the keys is not as it should be.
    """
    wanted = "redacted" in {settings.output.text, settings.dead_letters.value}
    return Redactor.from_settings(settings.redact) if wanted else None
