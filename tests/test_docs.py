"""The docs: whatever shows a command's output is refreshed by running it, and the guide to the report is whole."""

import html
import importlib.util
import re
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


REPORTS = Path(rendering.__file__).parent
PLAIN_HEADINGS = {
    *("Results", "Model comparison", "Reproducibility", "Predictions", "Examples by class", "Random samples"),
    "Brightness and contrast",
}
"""Headings that need no glossary."""


def test_the_glossary_in_pages_is_the_one_in_the_docs():
    page = (REPORTS / "templates" / "glossary.html").read_text("utf-8")
    in_page = [
        (html.unescape(term), html.unescape(text)) for term, text in re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    ]
    in_docs = re.findall(r"^- \*\*(.*?)\*\*: (.*)$", (DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE)
    assert in_page == in_docs
    assert len({term.lower() for term, _ in in_docs}) == len(in_docs)


def test_every_heading_is_plain_or_in_the_glossary():
    """Of the report, the exploration, the page about an image and the page about labels."""
    pages = (*(REPORTS / "templates").glob("*.html"), *(REPORTS / "exploration" / "templates").glob("*.html"))
    written = {title for page in pages for title in re.findall(r"<h2[^>]*>([^<{]+)</h2>", page.read_text("utf-8"))}
    headings = written | {module.TITLE for module in rendering.sections()}
    glossary = re.findall(r"^- \*\*(.*?)\*\*", (DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE)
    singular = [term.lower().partition(" (")[0].removesuffix("s") for term in glossary]
    unknown = {title for title in headings if not any(term in title.lower() for term in singular)}
    assert unknown == PLAIN_HEADINGS
