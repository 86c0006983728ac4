"""What is taken out of texts before they are kept or shown."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from textsieve.worker.settings.section import Section, split_commas

RedactKind = Literal["url_query", "secret", "email", "iban", "ip", "card", "phone"]


def _capitals(regions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(str.upper, regions))


class RedactSettings(Section):
    """How personal data and secrets are found, and what stands in their place."""

    kinds: Annotated[tuple[RedactKind, ...], NoDecode, BeforeValidator(split_commas), Field(min_length=1)] = Field(
        ("url_query", "secret", "email", "iban", "ip", "card", "phone"),
        description="What is taken out of texts before they are kept or shown, comma separated.",
    )
    regions: Annotated[tuple[str, ...], NoDecode, AfterValidator(_capitals), BeforeValidator(split_commas)] = Field(
        (),
        description="Where telephone numbers are dialled from, comma separated ISO 3166 codes such as GB,US; without"
        " them only numbers that begin with + are found.",
    )
    mode: Literal["mask", "pseudonym", "drop"] = Field(
        "mask",
        description="What stands in its place: `[email]`, `[email:4f1c09a2b3d4]` (the same for the same value, by the"
        " key of `redact.key_file`), or nothing.",
    )
    key_file: Path | None = Field(
        None,
        description="File with the key of pseudonyms, `ID = HEXADECIMAL`; a second line may hold the key before it.",
    )
    tenant_field: str | None = Field(
        None,
        description="Name or dotted path of the field that says whose text it is: pseudonyms of two tenants have "
        "nothing in common, and a message without it has masks.",
    )

    @model_validator(mode="after")
    def _pseudonyms_have_a_key(self) -> Self:
        if self.mode == "pseudonym" and self.key_file is None:
            raise ValueError("redact.key_file: expected a file, because redact.mode is pseudonym, got none; set it")
        return self
