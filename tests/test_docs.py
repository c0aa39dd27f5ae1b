"""The docs: pages are reached, links lead somewhere, versions agree, shown output is refreshed, the guide is whole."""

import html
import importlib.util
import itertools
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

import cifarlab
from cifarlab.reports import rendering

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CARD = ROOT / "src/cifarlab/models/pretrained/card.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")), CARD]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Every file that a page leads to or shows, and the place in it; addresses elsewhere are left out."""
    for inline in (child for token in tokens(page) for child in token.children or ()):
        address = inline.attrs.get("href") or inline.attrs.get("src")
        if address and not re.match(r"[a-z]+:", str(address)):
            path, _, place = str(address).partition("#")
            yield ((page.parent / path).resolve() if path else page), place


def places(page: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub and the site make them."""
    heads = [after.content for token, after in itertools.pairwise(tokens(page)) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    for path, place in links(page):
        assert path.is_relative_to(ROOT), f"{path} is not in the repository"
        assert path.exists(), f"{path.relative_to(ROOT)} does not exist"
        assert not place or place in places(path), f"{path.relative_to(ROOT)} has no heading #{place}"


def test_a_dead_link_would_be_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A head, *twice*\n\n[x](gone.md#here) ![y](#a-head-twice) `[no](link)` <https://x.y>\n", "utf-8")
    assert list(links(page)) == [(tmp_path / "gone.md", "here"), (page, "a-head-twice")]
    assert places(page) == {"a-head-twice"}


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.stem)
def test_files_of_the_code_that_a_page_names_exist(page):
    spans = [part.content for token in tokens(page) for part in token.children or () if part.type == "code_inline"]
    named = {word for span in spans for word in span.split() if re.fullmatch(r"(\w+/)+\w+\.py", word)}
    ours = {word for word in named if "NAME" not in word and not word.startswith("runs/")}
    homes = (ROOT, ROOT / "src", ROOT / "src/cifarlab")
    assert [word for word in sorted(ours) if not any((home / word).is_file() for home in homes)] == []


def test_the_index_leads_to_every_page_and_so_does_the_menu():
    index = DOCS / "index.md"
    led = {path for path, _ in links(index)}
    assert {page for page in PAGES if page not in (index, ROOT / "README.md")} <= led
    menu = re.findall(r"```\{toctree\}\n(.*?)```", index.read_text("utf-8"), re.DOTALL)
    entries = re.findall(r"^(?:.*<)?([^:\s<>]+)>?$", "\n".join(menu), re.MULTILINE)
    assert {(DOCS / f"{entry}.md").resolve() for entry in entries} == {path for path in led if path.suffix == ".md"}


def test_the_page_of_the_api_is_about_every_public_name():
    described = re.findall(r"^\.\. auto\w+:: (\w+)$", (DOCS / "api.md").read_text("utf-8"), re.MULTILINE)
    old = {"RobustnessSuite", "tell_story", "tell_stories"}  # former names, which stay
    assert sorted(described) == sorted(set(cifarlab.__all__) - {"__version__"} - old)


def test_every_place_says_the_same_version():
    newest, day = re.findall(r"^## (\d\S*) - (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert PYPROJECT["project"]["version"] == cifarlab.__version__ == citation["version"] == newest
    assert (citation["date-released"].isoformat(), citation["license"]) == (day, PYPROJECT["project"]["license"])


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
