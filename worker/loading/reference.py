"""Every option as a table for people."""

from typing import cast

from textsieve.worker.settings import Section, Settings


def reference_table() -> str:
    """Every option as a Markdown table: the source of docs/settings.md."""
    lines = ["| option | default | what it does |", "|---|---|---|"]
    for section, outer in Settings.model_fields.items():
        for option, field in cast("type[Section]", outer.annotation).model_fields.items():
            default = field.get_default(call_default_factory=True)
            shown = ",".join(default) if isinstance(default, tuple) else default
            lines.append(
                f"| `{section}.{option}` | {'' if shown in (None, {}) else f'`{shown}`'} | {field.description} |"
            )
    return "\n".join(lines) + "\n"
