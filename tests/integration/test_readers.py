"""A reader of results as the page about messages shows it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.integration.streams import Stream, texts

PAGE = Path(__file__).parents[2] / "docs/messages.md"


def test_the_reader_on_the_page_shows_every_result(stream: Stream) -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert program.count('"labels"') == 2  # the topic, and the field of a result
    stream.start()
    stream.wait_for_topics()
    stream.send(texts(50))
    stream.until_answered(50)

    words = [sys.executable, "-c", program.replace('"labels"', repr(stream.names.labels), 1)]
    with subprocess.Popen(words, env=stream.environment, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        shown = [reader.stdout.readline() for _ in range(50)]
        reader.kill()

    assert {message.offset for message in stream.read(stream.names.messages)} >= {
        int(line.split()[0].rsplit("/", 1)[1]) for line in shown
    }
    assert 50 == len({line.split()[0] for line in shown})
    assert all(re.match(r"\S+/\d+/\d+ (ham|spam) [01]\.\d{3} \S", line) for line in shown)
