"""The pages name only files, headings, settings and commands that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from textsieve.worker.loading import reference_table
from textsieve.worker.settings import ENV_PREFIX, ClusterSettings, Settings

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
)
PLAIN_VARIABLES = {  # of the tests and the demo
    "TEXTSIEVE_DATA",
    "TEXTSIEVE_KAFKA_JARS",
    "TEXTSIEVE_TEST_KAFKA",
    "TEXTSIEVE_TEST_KAFKA_VERSION",
    "TEXTSIEVE_TEST_REDIS",
}
PLACEHOLDERS = {"TEXTSIEVE_SECTION__OPTION"}
PACKAGES = ("embedded", "monitoring", "producer", "textsieve", "trainer", "worker")

each_page = pytest.mark.parametrize("page", PAGES)


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _prose(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", _text(page), flags=re.DOTALL | re.MULTILINE)


def _links(page: str) -> Iterator[tuple[Path, str]]:
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield ((ROOT / page).parent / path if path else ROOT / page), anchor


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


RENAMED = {"output.include_text"}  # options whose old names are accepted for one version


@each_page
def test_every_link_leads_to_a_file_and_a_heading(page):
    broken = [
        f"{path}#{anchor}"
        for path, anchor in _links(page)
        if not path.exists() or (anchor and anchor not in _anchors(path))
    ]

    assert broken == []


@each_page
def test_a_page_has_one_title_and_it_comes_first(page):
    titles = re.findall(r"^# .+$", _prose(page), re.MULTILINE)

    assert len(titles) == 1
    assert _text(page).startswith(titles[0])


@each_page
def test_every_environment_variable_is_one_that_is_read(page):
    named = set(re.findall(rf"\b{ENV_PREFIX}[A-Z_]+[A-Z]\b", _text(page))) - PLAIN_VARIABLES - PLACEHOLDERS

    assert {name for name in named if not _is_option(*name.removeprefix(ENV_PREFIX).lower().split("__"))} == set()


@each_page
def test_every_option_is_one_of_the_settings(page):
    sections = "|".join(Settings.model_fields)
    named = re.findall(rf"`({sections})\.(\w+)(?:=[\w-]+)?`", _text(page))

    unknown = {".".join(option) for option in named if not _is_option(*option)}

    assert unknown - (_constants() | RENAMED if Path(page).name in {"CHANGELOG.md", "settings.md"} else set()) == set()


def _constants() -> set[str]:
    """Options that were: the pages that say so name them."""
    return {
        f"{name}.{option}"
        for name, group in Settings.model_fields.items()
        for option in group.annotation.__class_vars__
    }


def _is_option(section: str, option: str = "") -> bool:
    group = Settings.model_fields.get(section)
    return group is not None and not {option, option.removesuffix("_file")}.isdisjoint(group.annotation.model_fields)


@each_page
def test_every_make_target_is_in_the_makefile(page):
    targets = re.findall(r"^\.PHONY: ([\w-]+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"(?:`|^)make ([\w-]+)", _text(page), re.MULTILINE)

    assert set(named) <= set(targets)


@each_page
def test_every_module_that_is_run_is_ours(page):
    named = re.findall(r"python -m (\w+)", _text(page))

    assert set(named) <= {*PACKAGES, "pip"}


def test_every_decision_is_listed_and_has_its_three_parts():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))

    assert listed == pages
    for page in pages:
        headings = re.findall(r"^## (\w+)", (folder / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequence"], page


def test_the_readme_gives_the_two_commands():
    blocks = re.findall(r"^```sh\n(.*?)^```$", _text("README.md"), re.DOTALL | re.MULTILINE)

    assert re.fullmatch(r"git clone \S.* textsieve && cd textsieve\nmake demo\n", blocks[0])


def test_the_settings_page_is_what_the_code_says():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert page.endswith("\n\n" + reference_table())


@pytest.mark.parametrize("k", [50, 64, 150, 500, 1000, 2000])
def test_the_scaling_page_says_how_much_is_gathered_before_seeding(k):
    clusters = ClusterSettings(k=k)
    rows, seconds = clusters.seed_size, clusters.seed_after_seconds

    line = f"| {k} | {rows:,} | {rows * 384 * 4 / 1e6:.1f} MB | {rows / seconds:.0f} messages/s |"

    assert line in _text("docs/scaling.md")
