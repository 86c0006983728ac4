"""The bearer token of OAUTHBEARER, fresh at every login."""

from pathlib import Path

from kafka.net.sasl.oauth import AbstractTokenProvider

from textsieve.worker.errors import ConfigurationError
from textsieve.worker.settings import KafkaSettings

MAX_TOKEN_BYTES = 65_536  # far beyond any token; a wrong path must not fill the memory


class FixedToken(AbstractTokenProvider):  # type: ignore[misc]  # the library ships no types
    """One token for as long as the worker lives."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        """The token."""
        return self._token


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # as above
    """A token that somebody else renews in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def token(self) -> str:
        """What the file holds now.

        Raises:
            ConfigurationError: it holds no token, or cannot be read.
        """
        expected = "kafka.sasl_oauth_token_file: expected a file with a token"
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_TOKEN_BYTES + 1)
            token = content.decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{expected}, got {self._path} ({type(error).__name__})") from None
        if not token or len(content) > MAX_TOKEN_BYTES or not token.isprintable():
            raise ConfigurationError(f"{expected}, got {self._path} with {len(content)} bytes that are none")
        return token


def token_provider(settings: KafkaSettings) -> AbstractTokenProvider:
    """Where the token comes from.

    Raises:
        ConfigurationError: from nowhere, from two places, or from a file that holds none.
    """
    fixed, path = settings.sasl_oauth_token, settings.sasl_oauth_token_file
    if (fixed is None) == (path is None):
        got = "nothing" if fixed is None else "both"
        raise ConfigurationError(
            f"kafka.sasl_oauth_token, kafka.sasl_oauth_token_file: expected one of them for OAUTHBEARER, got {got}"
        )
    if path is None:
        return FixedToken("" if fixed is None else fixed.get_secret_value())
    provider = TokenFile(path)
    provider.token()  # a wrong path is told now, not at the first login
    return provider
