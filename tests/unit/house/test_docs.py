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


def test_every_link_leads_to_a_file_and_a_heading():
    broken = [
        f"{page}: {path}#{anchor}"
        for page in PAGES
        for path, anchor in _links(page)
        if not path.exists() or (anchor and anchor not in _anchors(path))
    ]

    assert [] == broken


def test_every_environment_variable_is_one_that_is_read():
    named = {
        f"{page}: {name}": name.removeprefix(ENV_PREFIX).lower().split("__")
        for page in PAGES
        for name in re.findall(rf"\b{ENV_PREFIX}[A-Z_]+[A-Z]\b", _text(page))
        if name not in PLAIN_VARIABLES | PLACEHOLDERS
    }

    assert [] == [where for where, option in named.items() if not _is_option(*option)]


def test_every_option_is_one_of_the_settings():
    sections = "|".join(Settings.model_fields)
    unknown = {
        (page, f"{section}.{option}")
        for page in PAGES
        for section, option in re.findall(rf"`({sections})\.(\w+)(?:=[\w-]+)?`", _text(page))
        if not _is_option(section, option)
    }

    assert set() == {
        (page, option)
        for page, option in unknown
        if page not in {"CHANGELOG.md", "docs/settings.md"} or option not in _constants() | RENAMED
    }


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


def test_every_make_target_is_in_the_makefile():
    targets = re.findall(r"^\.PHONY: ([\w-]+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {
        (page, target) for page in PAGES for target in re.findall(r"(?:`|^)make ([\w-]+)", _text(page), re.MULTILINE)
    }

    assert set() == {(page, target) for page, target in named if target not in targets}


def test_every_module_that_is_run_is_ours():
    named = {(page, module) for page in PAGES for module in re.findall(r"python -m (\w+)", _text(page))}

    assert set() == {(page, module) for page, module in named if module not in {*PACKAGES, "pip"}}


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))

    assert sorted(path.name for path in folder.glob("[0-9]*.md")) == listed


def test_the_settings_page_is_what_the_code_says():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert page.endswith("\n\n" + reference_table())


@pytest.mark.parametrize("k", [50, 64, 150, 500, 1000, 2000])
def test_the_scaling_page_says_how_much_is_gathered_before_seeding(k):
    clusters = ClusterSettings(k=k)
    rows, seconds = clusters.seed_size, clusters.seed_after_seconds

    line = f"| {k} | {rows:,} | {rows * 384 * 4 / 1e6:.1f} MB | {rows / seconds:.0f} messages/s |"

    assert line in _text("docs/scaling.md")
