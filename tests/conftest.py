import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from textsieve.embedded.kafka.jars import FOLDER_VARIABLE, cache_folder

hypothesis.settings.register_profile("textsieve", deadline=None)  # a shared machine pauses whenever it likes
hypothesis.settings.load_profile("textsieve")

pytest_plugins = ["tests.services", "tests.together", "tests.alone"]


@pytest.fixture(autouse=True, scope="session")
def heeds_interrupts() -> None:
    """A shell starts what it puts in the background deaf to SIGINT, and whatever that starts, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Exported graphs and choices of engines, of workers as subprocesses too: one folder a run, never the user's."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all processes of the run: what one has measured the others read
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(cache_folder()))  # but Kafka's jars are fetched once, not once a run
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield
