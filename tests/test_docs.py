"""The docs: whatever shows a command's output is refreshed by running it, and the guide to the report is whole."""

import importlib.util
from pathlib import Path

from cifarlab.reports import rendering

DOCS = Path(__file__).parents[1] / "docs"


def test_every_page_that_shows_output_is_refreshed():
    spec = importlib.util.spec_from_file_location("refresh_outputs", DOCS / "refresh_outputs.py")
    refresh_outputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh_outputs)
    showing = {path.stem for path in (DOCS / "commands").glob("*.md") if "```console\n" in path.read_text("utf-8")}
    assert showing == set(refresh_outputs.PAGES)
    assert refresh_outputs.run_block("$ echo one\nan old line\n", str(DOCS)) == "```console\n$ echo one\none\n```"


def test_the_guide_goes_through_every_section_in_its_order():
    lines = (DOCS / "reading_the_report.md").read_text("utf-8").splitlines()
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert headings == [module.TITLE for module in rendering.sections()]
    for word in ("**Shows**", "**How to read it.**", "**What to do.**"):
        assert sum(line.startswith(word) for line in lines) == len(headings)
