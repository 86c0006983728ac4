"""A worker that could not redact says so before it loads a model, and what it leaves as it came is told."""

from typing import Any

import pytest

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import CampaignSettings, DeadLetterSettings, OutputSettings, RedactSettings, Settings
from textsieve.worker.wiring.redaction import require_redaction


def test_the_regions_of_samples_are_looked_at_where_nothing_else_is_redacted() -> None:
    settings = Settings(campaigns=CampaignSettings(enabled=True), redact=RedactSettings(regions=("XX",)))

    with pytest.raises(ConfigurationError, match=r"redact\.regions: .*got XX"):
        require_redaction(settings)


def test_regions_may_be_written_small() -> None:
    assert ("GB", "US") == RedactSettings(regions="gb,us").regions  # type: ignore[arg-type]  # as a user writes it


@pytest.mark.parametrize(
    ("text", "dead_letters", "redact", "campaigns", "expected"),
    [
        ("original", "original", {}, False, []),
        ("redacted", "redacted", {"regions": ("GB",)}, False, []),
        ("redacted", "hash", {}, False, []),
        ("original", "original", {"regions": ("GB",)}, True, []),
        ("original", "original", {"regions": ("GB",)}, False, ["redact is set"]),
        ("original", "original", {"kinds": ("email",)}, True, ["redact is set"]),
        ("redacted", "original", {}, False, ["results are"]),
    ],
)
def test_what_stays_as_it_came_against_the_settings_is_told(
    text: Any, dead_letters: Any, redact: dict[str, Any], campaigns: Any, expected: list[str]
) -> None:
    settings = Settings(
        output=OutputSettings(text=text),
        dead_letters=DeadLetterSettings(value=dead_letters),
        redact=RedactSettings(**redact),
        campaigns=CampaignSettings(enabled=campaigns),
    )

    assert expected == [
        " ".join(warning.split()[: len(start.split())])
        for warning, start in zip(require_redaction(settings), expected, strict=True)
    ]
