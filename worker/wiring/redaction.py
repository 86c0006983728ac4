"""What keeps texts from being redacted as the settings ask, found before a model is loaded."""

from collections.abc import Sequence

from textsieve.worker.pipeline import redactor_of
from textsieve.worker.redaction import Redactor
from textsieve.worker.settings import RedactSettings, Settings


def require_redaction(settings: Settings) -> Sequence[str]:
    """What leaves texts as they came although the settings may mean otherwise.

    Raises:
        ConfigurationError: a region or the file with the keys is not as it should be.
    """
    redactor = redactor_of(settings)
    if settings.campaigns.enabled:
        Redactor.of(regions=settings.redact.regions)  # of samples
    warnings = []
    if redactor is None and settings.redact != RedactSettings(
        regions=settings.redact.regions if settings.campaigns.enabled else ()
    ):
        warnings.append(
            "redact is set and neither results nor dead letters are redacted: set output.text or dead_letters.value to"
            " redacted"
        )
    if settings.output.text == "redacted" and settings.dead_letters.value == "original":
        warnings.append(
            "results are redacted and dead letters hold messages as they came: set dead_letters.value to redacted or"
            " hash, or keep readers from their topic"
        )
    return warnings
