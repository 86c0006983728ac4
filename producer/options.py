"""Every option of the command line, once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from textsieve.files.layout import Format
from textsieve.producer.topics import DEFAULT_PARTITIONS

ENV_PREFIX = "TEXTSIEVE_KAFKA__"  # the worker reads the same variables
SCENARIO_MESSAGES = 1000  # length of a scenario without --limit


class Compression(StrEnum):
    """Codecs of Kafka."""

    NONE = "none"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"


class SecurityProtocol(StrEnum):
    """How to talk to the brokers."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How to log in."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


def _option(text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, **more)


def _security(text: str, setting: str, **more: Any) -> Any:
    return _option(text, envvar=ENV_PREFIX + setting, **more)


def _pem(text: str, setting: str) -> Any:
    return _security(text, setting, exists=True, dir_okay=False, readable=True)


Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILES",
        help="Files to send: .csv, .tsv, .jsonl, .ndjson, .json or .txt, each also .gz; - is standard input.",
        show_default=False,
    ),
]
UseScenario = Annotated[
    bool, _option("Send a generated stream instead: chat, help desks, spam campaigns, broken messages.", "--scenario")
]
Seed = Annotated[int, _option("The same seed gives the same scenario.")]
MalformedShare = Annotated[float, _option("Share of broken messages in a scenario.", min=0, max=1)]
FileFormat = Annotated[
    Format | None, _option("Format of the files and of standard input; by the suffix if unset.", "--format")
]
Encoding = Annotated[
    str | None,
    _option("Encoding of the files; by the byte order mark, or UTF-8, if unset. Windows often writes cp1252."),
]
Delimiter = Annotated[
    str | None, _option("Between the columns of a table, such as ; or tab; if unset, what gives the named columns.")
]
NoHeader = Annotated[bool, _option("The first row of a table is a row; columns are called 1, 2, 3.", "--no-header")]
NoQuotes = Annotated[bool, _option("Double quotes in a table are characters like any other.", "--no-quotes")]
TextColumn = Annotated[str, _option("Column or field with the text; a column of a table also by its number.")]
IdColumn = Annotated[str | None, _option("Column or field with the id; `id`, where there is one, if unset.")]
KeyColumn = Annotated[
    str | None, _option("Column or field that becomes the key; messages without one go round the partitions.")
]

Rate = Annotated[float | None, _option("Messages per second; as fast as possible if unset.", min=0.001)]
Repeat = Annotated[int, _option("Send the files so many times; 0 goes on until interrupted.", min=0)]
Limit = Annotated[
    int | None, _option(f"Stop after so many messages; length of a scenario ({SCENARIO_MESSAGES} if unset).", min=1)
]

BootstrapServers = Annotated[
    str, _option("Brokers to ask first, comma separated.", envvar=ENV_PREFIX + "BOOTSTRAP_SERVERS")
]
Topic = Annotated[str, _option("Topic to feed; created if missing.")]
Partitions = Annotated[
    int | None,
    _option(f"Partitions of a created topic, the most workers it can use ({DEFAULT_PARTITIONS} if unset).", min=1),
]
MaxValueBytes = Annotated[
    int,
    _option(
        "Rows that make longer values are bad: no worker reads them (its input.max_value_bytes).",
        min=64,
        envvar="TEXTSIEVE_INPUT__MAX_VALUE_BYTES",
    ),
]
MaxMessageBytes = Annotated[int, _option("Largest message, and the room of a created topic.", min=1024)]
Codec = Annotated[Compression, _option("Codec of the messages.")]

Protocol = Annotated[SecurityProtocol, _security("How to talk to the brokers.", "SECURITY_PROTOCOL")]
SslCafile = Annotated[Path | None, _pem("CA certificates that sign the brokers'.", "SSL_CAFILE")]
SslCertfile = Annotated[Path | None, _pem("Client certificate (PEM).", "SSL_CERTFILE")]
SslKeyfile = Annotated[Path | None, _pem("Key of the client certificate (PEM).", "SSL_KEYFILE")]
Mechanism = Annotated[SaslMechanism | None, _security("How to log in when the protocol is SASL_*.", "SASL_MECHANISM")]
SaslUsername = Annotated[
    str | None,
    _security(
        f"User; the password comes only from {ENV_PREFIX}SASL_PASSWORD or from the file"
        f" that {ENV_PREFIX}SASL_PASSWORD_FILE names.",
        "SASL_USERNAME",
    ),
]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the messages to standard output, send nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="End with the report as one JSON line on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar and no summary; errors still show.")]
