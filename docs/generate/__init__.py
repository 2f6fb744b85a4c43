"""Write the reference pages that follow from the code: ``python -m docs.generate``. A test compares them with it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from .api import api_index, api_page, api_pages
from .catalog import catalog
from .errors import error_page
from .names import name_page

__all__ = ["main", "pages"]

FOLDER: Final = Path(__file__).parents[1] / "reference"
HEAD: Final = "<!-- Made by docs/generate: change the code or the generator, not this page. -->\n"


def pages() -> dict[str, str]:
    """Return every generated page, by its path below ``docs/reference``."""
    made = {"catalog.md": catalog(), "errors.md": error_page(), "names.md": name_page(), "api/index.md": api_index()}
    made |= {f"api/{name}.md": api_page(title, modules) for name, title, modules in api_pages()}
    return {name: f"{HEAD}\n{page.rstrip()}\n" for name, page in made.items()}


def main() -> None:
    """Write the pages."""
    for name, page in pages().items():
        (FOLDER / name).write_text(page, encoding="utf-8")
