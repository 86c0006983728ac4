"""What all sections are made of."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

INT32 = 2**31 - 1  # Kafka's requests hold times and sizes in 32 bits


def split_commas(value: object) -> object:
    """Several names in one text, as an environment variable or a flag has them."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_commas), Field(min_length=1)]
Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A group of options; unknown names are errors, not silence.

    A class variable is a constant that was an option before: for one version its name is accepted, with a warning.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )  # the input may be a secret


def refuse_unused(section: Section, prefix: str, *, because: str) -> None:
    """A credential that would be ignored is a connection less safe than its operator believes."""
    given = [
        name for name in type(section).model_fields if name.startswith(prefix) and getattr(section, name) is not None
    ]
    if given:
        raise ValueError(f"{', '.join(given)} would not be used, because {because}")


def with_a_port(servers: tuple[str, ...]) -> tuple[str, ...]:
    """The servers, each with a port that can be one."""
    for server in servers:
        port = server.rpartition(":")[2] if re.search(r":[^:/\]]*$", server) else "9092"
        if not (port.isdecimal() and int(port) < 2**16):
            raise ValueError(f"expected host:port, got {server}")
    return servers
