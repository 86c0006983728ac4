"""TLS as every connection of a worker uses it: certificates and host names are checked, always."""

import ssl
from pathlib import Path

from textsieve.worker.errors import ConfigurationError


def client_context(
    section: str, *, cafile: Path | None, certfile: Path | None, keyfile: Path | None, password: str | None
) -> ssl.SSLContext:
    """A context that trusts `cafile` (the system's CAs if None) and shows `certfile` where it is asked to.

    Args:
        section: of the settings, for messages: `kafka` or `redis`.
        cafile: PEM.
        certfile: PEM, with its chain.
        keyfile: PEM; None where the key stands in `certfile`.
        password: of the key.

    Raises:
        ConfigurationError: a file is missing or not what it should be; the message names the setting.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificates and host names
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cafile is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(cafile)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"{section}.ssl_cafile: expected CA certificates in PEM, got {cafile} ({_reason(error)})"
            ) from None
    if certfile is not None:
        try:
            # without a password OpenSSL would ask the terminal for one, and wait
            context.load_cert_chain(certfile, keyfile, password=lambda: password or "")
        except OSError as error:
            raise ConfigurationError(
                f"{section}.ssl_certfile, {section}.ssl_keyfile: expected a certificate and its key in PEM, and"
                f" {section}.ssl_password if the key has one, got {certfile} and {keyfile or 'no key file'}"
                f" ({_reason(error)})"
            ) from None
    elif keyfile is not None:
        raise ConfigurationError(
            f"{section}.ssl_certfile: expected a certificate with {section}.ssl_keyfile, got nothing"
        )
    return context


def handshake_advice(section: str, reason: str) -> str | None:
    """Which setting to look at when a handshake failed for `reason`, in OpenSSL's words; None if it was not TLS."""
    reason = reason.lower().replace("_", " ")
    if "hostname mismatch" in reason or "ip address mismatch" in reason or "is not valid for" in reason:
        return "the server's certificate is for another name: connect to a name that stands in it"
    if "certificate verify failed" in reason:
        return f"the server's certificate is not signed by {section}.ssl_cafile, or has expired"
    if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
        return f"the server wants a client certificate it trusts: {section}.ssl_certfile, {section}.ssl_keyfile"
    if "wrong version number" in reason or "record layer failure" in reason or "eof occurred" in reason:
        return f"the server broke off: it does not speak TLS on this port, or wants a {section}.ssl_certfile"
    if "handshake" in reason or "ssl" in reason:
        return f"the TLS connection failed: {section}.ssl_*"
    return None


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return error.strerror or type(error).__name__
