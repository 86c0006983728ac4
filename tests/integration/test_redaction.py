"""A thousand pieces of personal data and secrets go through a real worker, and are searched for wherever it writes."""

import json
import re
import urllib.request
from pathlib import Path
from random import Random

import redis

from benchmarks.studies.planted import ITEMS, phone
from tests.integration.streams import Stream
from tests.services import Brokers
from textsieve.embedded.topics import Names

PLANTED = 1000
GOOD = 800  # messages; the rest becomes dead letters of four kinds
REGION = "GB"


def planted(seed: int) -> list[str]:
    """The texts that must be nowhere: of a URL what stands behind its question mark."""
    rng = Random(seed)
    makers = [*ITEMS.values(), lambda rng: phone(rng, REGION)]
    written = (makers[number % len(makers)](rng)[0] for number in range(10 * PLANTED))
    return list(dict.fromkeys(text.partition("?")[2] or text for text in written))[:PLANTED]


def message(number: int, secret: str) -> bytes:
    """One that is labelled, with the secret in its text or its other fields, or one that becomes a dead letter."""
    shown = f"https://example.org/?{secret}" if "=" in secret and "@" not in secret else secret
    text = f"topic{number % 4} word{number % 13}: {shown} and more"
    if number < GOOD // 2:
        return json.dumps({"text": text}).encode()
    if number < GOOD:
        return json.dumps({"text": f"topic{number % 4}", "note": text, "more": {"of": [shown]}}).encode()
    bad = (
        json.dumps({"text": [text]}),
        json.dumps({"body": {shown: text}}),
        f'{{"text": "{text}"',
        json.dumps({"text": text})[:-1],  # escapes, in what is no JSON
        json.dumps(text),
        json.dumps({"text": text.replace(": ", ":\n")})[:-1],  # right behind an escape
    )
    return bad[number % len(bad)].encode()


def dump(client: redis.Redis) -> bytes:
    """Every key of the store with all it holds, as the server keeps it."""
    parts: list[bytes] = []
    for key in client.scan_iter():
        kind = client.type(key)
        if kind == b"hash":
            content = [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == b"zset":
            content = client.zrange(key, 0, -1)
        elif kind == b"set":
            content = list(client.smembers(key))
        elif kind == b"list":
            content = client.lrange(key, 0, -1)
        elif kind == b"stream":
            content = [repr(client.xrange(key)).encode()]
        else:
            content = [client.get(key) or b""]
        parts += [key, *content]
    return b"\n".join(parts)


def test_a_thousand_secrets_are_in_no_sink(one_broker: Brokers, store: str, names: Names, tmp_path: Path) -> None:
    secrets = planted(seed=20_000)
    keys = tmp_path / "keys"
    keys.write_text(f"now = {'5a' * 32}\n", encoding="utf-8")
    stream = Stream(one_broker, store, names)
    options = {
        "output__text": "redacted",
        "dead_letters__value": "redacted",
        "dead_letters__max_ratio": 1,
        "redact__regions": REGION,
        "redact__mode": "pseudonym",
        "redact__key_file": keys,
        "logs__level": "debug",
        "logs__format": "json",
        "campaigns__enabled": "true",
    }
    try:
        process = stream.start(**options)
        assert process.stderr is not None
        started = next(line for line in process.stderr if "worker started" in line)
        stream.wait_for_topics()
        stream.send([message(number, secret) for number, secret in enumerate(secrets)])
        results, letters = stream.until_answered(PLANTED)
        port = json.loads(started)["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            page = answer.read()
        kept = dump(stream.redis)
        code, errors = stream.stop(process)
        sinks = {
            "results": b"\n".join(result.value for result in results),
            "dead letters": b"\n".join(letter.value for letter in letters),
            "headers and keys": repr([(answer.key, answer.headers) for answer in (*results, *letters)]).encode(),
            "store": kept,
            "logs": (started + errors).encode(),
            "metrics": page,
        }
    finally:
        stream.close()

    assert (0, PLANTED, GOOD, PLANTED - GOOD) == (code, len(secrets), len(results), len(letters))
    forms = [(secret, form) for secret in secrets for form in {secret, json.dumps(secret)[1:-1]}]
    assert {} == {
        name: found
        for name, sink in sinks.items()
        if (found := [secret for secret, form in forms if form.encode() in sink][:5])
    }
    assert GOOD == sum("redacted" in json.loads(result.value) for result in results)
    assert PLANTED - GOOD == len(re.findall(rb"textsieve.redacted", sinks["headers and keys"]))
