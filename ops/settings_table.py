"""The settings table of README.md, made from the settings class: `python -m ops.settings_table` writes it anew."""

import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from core.settings import Settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "of this machine"
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default in (None, ()):
        return ""
    if isinstance(field.default, tuple):
        return f"`{','.join(map(str, field.default))}`"
    return f"`{field.default}`"


def table() -> str:
    rows = [f"| `{name.upper()}` | {_default(f)} | {f.description} |" for name, f in Settings.model_fields.items()]
    return "\n".join(["| variable | default | what it is |", "|---|---|---|", *rows])


def with_table(readme: str) -> str:
    """The text with the table between its two marks. Raises ValueError when a mark is missing."""
    before, _, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"README.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    README.write_text(with_table(README.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
