"""Run the `python` examples of the README and the documentation as tests, and lend them and the suite real servers."""

import gc

import hypothesis
import pytest
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

pytest_plugins = ["support.services"]

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["*.md"],
    excludes=["*/django.md"],  # of files of a project, which Django must load: tests/examples/test_django_page.py
).pytest()


def pytest_collection_finish() -> None:
    """Tell the garbage collector that what collection has made stays: to look at it again and again takes long."""
    # On its first run an older Hypothesis asks who refers to its random generator; nobody it could see after a freeze.
    hypothesis.find(hypothesis.strategies.none(), lambda value: True)
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the examples back in page order: those of one page share names, and tests are shuffled."""
    slots = [index for index, item in enumerate(items) if isinstance(item, SybilItem)]
    examples = [item for item in items if isinstance(item, SybilItem)]
    examples.sort(key=lambda item: (item.path, item.example.start))
    for index, example in zip(slots, examples, strict=True):
        items[index] = example
