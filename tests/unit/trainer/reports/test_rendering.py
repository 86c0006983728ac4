"""A report as pages."""

from textsieve.trainer.reports.evaluation_tables import Section
from textsieve.trainer.reports.rendering import as_html, as_markdown

NOTHING = Section("Worst mistakes", "The surest first.", ("line", "given"), ())


def test_a_table_without_rows_says_so():
    assert "# A report\n\n## Worst mistakes\n\nThe surest first.\n\nNone.\n" == as_markdown("A report", [NOTHING])


def test_a_page_has_no_table_without_rows():
    page = as_html("A report", [NOTHING], [])

    assert "<p>None.</p>" in page
    assert "<table" not in page
