"""Sphinx configuration. The build needs no network unless CASEWRIGHT_INTERSPHINX is set."""

import os

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from casewright import __version__

project = "casewright"
author = "casewright contributors"
project_copyright = "2026, casewright contributors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["build", "_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_inherit_docstrings = False  # what others wrote refers to pages of theirs
autodoc_preserve_defaults = True  # the repr of a whole definition helps nobody
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# A reference that leads nowhere is an error, with two exceptions: type variables and private bases have no page ...
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(casewright\..*\.)?(([A-Z][A-Za-z]*)?T(_co)?|[A-Z]_co)"),
    (r"py:.*", r"casewright\..*\._\w+"),
]
if os.environ.get("CASEWRIGHT_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "attrs": ("https://www.attrs.org/en/stable/", None),
        "cattrs": ("https://catt.rs/en/stable/", None),
        "sqlalchemy": ("https://docs.sqlalchemy.org/en/21/", None),
    }
else:
    # ... and names of other projects cannot be looked up without a network.
    nitpick_ignore_regex += [
        (
            r"py:.*",
            r"(abc|asyncio|collections|contextlib|datetime|decimal|enum|json|logging|pathlib|ssl|threading|types|typing)\..*",
        ),
        (r"py:.*", r"(attr|attrs|cattrs|hypothesis|nats|opentelemetry|redis|sqlalchemy|typing_extensions)\..*"),
        (
            r"py:.*",
            r"(datetime|timedelta|AsyncEngine|Connection|Dialect|Engine|MetaData|Meter|MeterProvider|MigrationContext)",
        ),
        (r"py:.*", r"(Table|TracerProvider|URL)"),
    ]

html_theme = "furo"
html_title = f"casewright {release}"


def setup(app: Sphinx) -> None:
    """Add what our pages need beyond the extensions."""
    app.add_lexer("mermaid", TextLexer)  # GitHub draws these blocks; here they stay readable text
    app.connect("autodoc-process-docstring", untyped, priority=400)  # before Napoleon's 500


def untyped(_app: Sphinx, what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Keep Napoleon from reading the start of a sentence as a type: ours stand in annotations only."""
    if what in {"attribute", "data", "property"}:
        lines[:1] = [": " + line for line in lines[:1]]
    for place, line in enumerate(lines[:-1]):
        if line.strip() in {"Returns:", "Yields:"}:
            text = lines[place + 1]
            lines[place + 1] = text[: len(text) - len(text.lstrip())] + ": " + text.lstrip()
