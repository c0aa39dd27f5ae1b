import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cifarlab.inference.temperature import model_checksum
from cifarlab.reports import page as _page
from cifarlab.reports import rendering, writing
from cifarlab.runs import Run, unique_names
from cifarlab.utils import files
from cifarlab.utils.json_data import json_data
from cifarlab.utils.text import in_percent

SECTIONS = {module.__name__.rpartition(".")[2]: module for module in rendering.sections()}
ON_REQUEST = {"human_labels", "robustness"}
"""Shown only where somebody measured it."""


@pytest.fixture(scope="module")
def one(make_run, tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("one"), "mlp-one")


@pytest.fixture(scope="module")
def two(make_run, tmp_path_factory) -> list[Run]:
    root = tmp_path_factory.mktemp("two")
    return [make_run(root, "first"), make_run(root, "second-run", skill=4.0)]


@pytest.fixture(scope="module")
def one_page(one) -> Path:
    return writing.report(one)


@pytest.fixture(scope="module")
def two_page(two) -> Path:
    return writing.report(two, notice="Short & <sweet>")


@pytest.fixture(scope="module")
def one_text(one_page) -> str:
    return one_page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def two_text(two_page) -> str:
    return two_page.read_text(encoding="utf-8")


def draw_whole(run: Run) -> str:
    """The page about a run, without its figures as files, which take as long again."""
    return rendering.render_page(_page.open_page([run]))


def build(name: str, *runs: Run, split: str = "test") -> str | None:
    """One section of the page about runs."""
    return SECTIONS[name].build(_page.open_page(runs, split))


class Elements(HTMLParser):
    """Counts open elements and collects attributes."""

    void = frozenset({"meta", "link", "br", "img", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [value for _, found, value in self.attributes if found == name]


@pytest.mark.parametrize("which", ["one_text", "two_text"])
def test_page_is_self_contained_and_well_formed(which, request) -> None:
    text = request.getfixturevalue(which)
    elements = Elements(text)
    assert elements.open == []
    links = elements.values("href") + elements.values("src")
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert "<script" not in text
    ids = elements.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    assert len(text) < 1_000_000


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_section_has_a_place_a_title_and_tells_how_to_read_it(name, one, two) -> None:
    module = SECTIONS[name]
    assert isinstance(module.ORDER, int)
    assert module.TITLE
    for runs in ([one], two):
        html = module.build(_page.open_page(runs))
        assert html is None or 'class="read"' in html
        missing = name in ON_REQUEST or (name == "model_comparison" and len(runs) == 1)
        assert (html is None) == missing


def test_section_places_are_all_different() -> None:
    assert len({module.ORDER for module in SECTIONS.values()}) == len(SECTIONS)


def test_contents_list_every_section(one_text) -> None:
    nav = one_text[one_text.index("<nav") : one_text.index("</nav>")]
    for name, module in SECTIONS.items():
        assert (f'href="#{name.replace("_", "-")}">{module.TITLE}<' in nav) == (
            name not in {"model_comparison", *ON_REQUEST}
        )


def test_headline_says_the_scores(one, one_text) -> None:
    scores = one.scores("test")
    assert rendering.percent(scores.accuracy) in one_text
    assert rendering.percent_interval(scores.scores["accuracy"]) in one_text
    assert f"{scores.loss:.3f}" in one_text
    assert "of 120 test images" in one_text


def test_headline_names_test_time_augmentation_where_it_was_measured(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "augmented")
    assert "TTA" not in build("results", run)
    files.write_json(run.scores_file("test", tta="flip"), {**json_data(run.scores("test")), "accuracy": 0.98765})
    text = build("results", run)
    assert "With <strong>TTA flip</strong>: 98.77" in text
    assert "All numbers above are without test-time augmentation." in text
    assert f'<p class="big">{rendering.percent(run.scores("test").accuracy)}</p>' in text


def test_several_runs_are_tested_against_each_other(two_text) -> None:
    assert "McNemar" in two_text
    assert "2 classifiers" in two_text
    assert "Short &amp; &lt;sweet&gt;" in two_text


def test_names_are_escaped(one, one_text) -> None:
    assert "&lt;b&gt;fast&lt;/b&gt; &amp; cool" in one_text
    assert "<b>fast" not in one_text


def test_hostile_class_names_are_escaped(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "hostile")
    for file in (run.scores_file("test"),):
        scores = files.read_json(file)
        scores["per_class"][0]["class_name"] = scores["class_names"][0] = '<img src="x" onerror=1> $x_1$'
        files.write_json(file, scores)
    text = draw_whole(run)
    assert "<img" not in text
    assert "&lt;img src=" in text


def test_every_picture_in_a_gallery_says_which_image_it_is(one, one_text) -> None:
    tiles = re.findall(r"<li><svg class=\"picture\".*?</li>", one_text)
    assert len(tiles) > 50
    for tile in tiles:
        (name,) = re.findall(r'<span class="id">(.*?)</span>', tile)
        assert f"({name})</title>" in tile


def test_a_picture_has_the_same_confidence_in_every_gallery(one, one_text) -> None:
    """As a number of one decimal, as in the stories of images, the app and the terminal."""
    shown = re.findall(r'class="sure">([^<]+)<', one_text)
    sure = one.predictions("test").probabilities.max(axis=1)
    assert len(shown) > 20
    assert set(shown) <= {f"{in_percent(each, 1)}\N{NO-BREAK SPACE}%" for each in sure}


def test_each_picture_is_embedded_once(one_text) -> None:
    pictures = re.findall(r'<image id="picture-\d+"[^>]*href="([^"]+)"', one_text)
    uses = re.findall(r'<use href="#picture-\d+"', one_text)
    assert pictures
    assert len(pictures) == len(re.findall(r'<image id="picture-', one_text))
    assert len(uses) > len(pictures)


def test_same_run_gives_the_same_page(one, one_text) -> None:
    assert draw_whole(one) == one_text


def test_without_data_the_page_says_why(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "lost")
    files.write_json(run.data_file, {**run.data, "name": "folder:/nowhere/at-all"})
    text = draw_whole(run)
    assert "This report has no pictures" in text
    assert "Examples by class" not in text
    assert "Most confused pairs" in text


def test_without_history_or_model_the_page_is_shorter(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "bare", epochs=0)
    run.model_file.unlink()
    text = draw_whole(run)
    assert "Training curves" not in text
    assert "First-layer weights" not in text


def test_curves_speak_of_held_out_images_only_where_there_are_any(make_run, tmp_path) -> None:
    whole, held_out = make_run(tmp_path, "whole"), make_run(tmp_path, "held-out")
    rows = [{key: row[key] for key in ("epoch", "train_loss", "train_accuracy")} for row in whole.history()]
    whole.write_history(rows)
    one, both, none = (
        str(SECTIONS["training_curves"].build(_page.open_page(runs)))
        for runs in ([held_out], [whole, held_out], [whole])
    )
    assert "the solid one validation: images held out. Once" in one
    assert "images held out, where a run held any out. Once" in both
    assert "the marker is the epoch that was kept." in one
    assert "the marker is the epoch that was kept; where nothing was held out there is none" in both
    assert "No images were held out" in none
    for word in ("solid", "marker", "best on validation"):
        assert word not in none


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"flip": "random"}, "augmentation is on in training"),
        ({"model_args": {"dropout": 0.2}}, "dropout is on in training"),
        ({"model_args": {"dropout": [0.1, 0]}, "mixup_alpha": 0.2}, "dropout and augmentation are on in training"),
        ({"model_args": {"dropout": [0, 0]}}, ""),
    ],
)
def test_what_is_on_in_training_alone_is_named_and_nothing_else(make_run, tmp_path, settings, words) -> None:
    run = make_run(tmp_path, "one")
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), **settings})
    text = str(build("training_curves", Run(run.path)))
    assert words in text
    assert ("on in training" in text) == bool(words)


def test_broken_model_file_does_not_stop_the_report(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "broken")
    run.model_file.write_bytes(b"not a zip")
    assert "cannot read the weights" in draw_whole(run)


def test_labels_are_unique(tmp_path) -> None:
    runs = [Run(tmp_path / "a" / "mlp"), Run(tmp_path / "b" / "mlp"), Run(Path(tmp_path / "c"))]
    assert unique_names(runs) == ["a/mlp", "b/mlp", "c"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "\N{EN DASH}"), (1.25, "1.2 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_read_as_people_say_them(seconds, text) -> None:
    assert rendering.duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


def test_runs_are_compared_by_the_verdict_and_not_by_the_highest(two, two_text, make_run, tmp_path) -> None:
    assert two_text.index('class="told"') < two_text.index("</nav>") + two_text[two_text.index("</nav>") :].index(
        "<h3>"
    )
    assert 'class="big"' not in two_text
    equal = [make_run(tmp_path / name, "mlp-one") for name in "ab"]
    text = "".join(build(name, *equal) for name in ("model_comparison", "results", "class_examples"))
    assert '<p class="told">Not told apart</p>' in text
    assert "Their settings are all the same." in text
    assert "one of the runs with the highest accuracy" in text
    assert "= 1.00" not in text
    assert '<td data-label="p (McNemar)">1.00</td>' in text


def test_what_evaluation_found_is_told_at_the_top(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "cut")
    files.write_json(run.scores_file("test"), {**json_data(run.scores("test")), "notices": ["It did <not> finish."]})
    text = build("results", run)
    assert "It did &lt;not&gt; finish." in text[: text.index('class="facts"')]


def test_only_looks_at_the_runs_own_images_are_counted(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "seen")
    run.record_look("test", "evaluate on folder:mine", "folder:mine")
    assert "<p>1 look, the last on" in build("reproducibility", run)


def test_validation_images_of_differently_held_out_shares_are_all_found(make_run, tmp_path) -> None:
    runs = [make_run(tmp_path, name, fraction=fraction) for name, fraction in (("a", 0.2), ("bc", 0.3))]
    assert "has no pictures" not in build("results", *runs, split="validation")
    for html in (build("top_losses", run, split="validation") for run in runs):
        assert '<use href="#picture-' in html


def test_versions_are_those_of_the_backend_in_use(make_run, tmp_path) -> None:
    run = make_run(tmp_path, "versions")
    installed = {"keras": "3.15.1", "tensorflow-cpu": "2.21", "jax": "0.7", "torch": "2.9"}
    files.write_json(run.environment_file, {**run.environment, "backend": "tensorflow", "versions": installed})
    text = build("reproducibility", run)
    assert [f'<th scope="row">{name}</th>' in text for name in installed] == [True, True, False, False]


@pytest.mark.parametrize(
    ("value", "limits", "text"),
    [
        (1.25, (1.1, 1.4), "1.250"),
        (1.0, (None, None), "1, as the images tell none"),
        (0.01, (None, None), "not fitted"),  # of an earlier version, which kept what no image tells
        (None, None, "not fitted"),
    ],
)
def test_the_temperature_in_the_table_is_one_that_images_told(make_run, tmp_path, value, limits, text) -> None:
    run = make_run(tmp_path, "one")
    if value is not None:
        interval = {"value": value, "low": limits[0], "high": limits[1], "method": ""}
        stored = {"temperature": interval, "model_checksum": model_checksum(run)}
        files.write_json(run.path / "calibration.json", stored)
    assert f"<td>{text}</td>" in str(build("calibration", run))
