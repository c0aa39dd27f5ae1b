"""Every page over fake runs: it answers, holds what it should, links to what exists, and nothing inline."""

import csv
import html
import io
import re
import shutil
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient

from cifarlab import files
from cifarlab.datasets import load_data
from cifarlab.runs import Run, create_run
from cifarlab.web.application import create_app
from cifarlab.web.figures import COMPARISONS
from cifarlab.web.settings import Settings

MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def made_runs(tmp_path_factory, make_run):
    folder = tmp_path_factory.mktemp("pages") / "runs"
    make_run(folder, "first")
    make_run(folder, "second", skill=4.0, epochs=5)
    make_run(folder, "held-out", fraction=0.2)
    begun = create_run(folder, "begun")
    begun.set_state("running")
    return folder


@pytest.fixture(scope="module")
def pages(made_runs):
    """The app for all tests that only read."""
    app = create_app(Settings(runs_dir=made_runs, data="digits"))
    with TestClient(app, base_url="http://127.0.0.1:8000", headers={"accept": "text/html"}) as client:
        yield client


@pytest.fixture
def runs_dir(made_runs, tmp_path):
    """A copy of the runs for a test that changes them."""
    return shutil.copytree(made_runs, tmp_path / "runs")


@pytest.fixture
def own_pages(runs_dir, make_client):
    client = make_client(runs_dir=runs_dir)
    client.headers["accept"] = "text/html"
    return client


def links(text: str, inside: str = "") -> list[str]:
    found = re.findall(r'href="([^"]+)"', text)
    return [html.unescape(each) for each in found if inside in html.unescape(each)]


def image_id() -> str:
    return str(load_data("digits").test.ids[0])


PAGES = [
    "/runs",
    "/runs?q=fir&sort=-accuracy&state=finished&model=mlp&data=digits",
    "/runs-table",
    "/runs/first",
    "/runs/first?whole=1",
    "/runs/first/live",
    "/runs/begun",
    "/runs/held-out?split=validation",
    "/runs/first/mistakes",
    "/runs/first/mistakes?true=zero&said=zero",
    "/runs/first/mistakes?shown=all&against=second&side=gained&least=20&most=90&doubt=10&sort=doubt",
    "/runs/first/calibration",
    "/runs/first/calibration?whole=1",
    "/sections/headline?split=test&run=first&run=second",
    "/sections/per_class?split=test&run=first",
    "/sections/curves?split=&run=held-out&run=first",
    "/runs/first/robustness",
    "/runs/first/making",
    "/runs/begun/making",
    "/runs/first/weights",
    "/runs/first/weights?whole=1",
    "/compare?run=first&run=second",
    "/compare?run=first&run=second&whole=1",
    "/compare?run=begun&run=first&run=held-out",
    "/compare?run=begun&run=first&run=held-out&whole=1",
    "/compare?run=first&run=second&split=validation&whole=1",
    "/trainings/new",
    "/trainings/new?recipe=smoke",
    "/data/digits",
    "/data/digits?split=train&class=three&page=2",
    "/data/digits?sort=doubt&doubt=5",
    "/data/digits/figures",
    "/data/digits/figures/class-means",
    "/data/digits/figures?whole=1",
    "/images/digits/{image}",
    "/images/digits/{image}?in=first&shown=all",
    "/images/digits/{image}?in=data&split=test",
]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_answers_and_holds_nothing_inline(pages, address):
    answer = pages.get(address.format(image=image_id()))
    assert answer.status_code == 200, answer.text[-500:]
    assert answer.headers["content-type"].startswith("text/html")
    assert len(answer.content) < MOST_BYTES
    assert not re.search(r'<[^>]*\s(style|on\w+)="', answer.text)
    assert "<script>" not in answer.text
    for tag in re.findall(r"<style[^>]*>", answer.text):
        nonce = re.search(r'nonce="([^"]+)"', tag)
        assert nonce
        assert f"'nonce-{nonce[1]}'" in answer.headers["content-security-policy"]
    outside = [each for each in links(answer.text) if not each.startswith(("/", "#", "data:"))]
    assert outside == []


@pytest.mark.parametrize("address", ["/runs", "/runs/first", "/data/digits", "/compare?run=first&run=second"])
def test_no_link_leads_nowhere(pages, address):
    for number, link in enumerate(sorted(set(links(pages.get(address).text)))):
        # Those of confusion cells and pictures are many and alike, and drawing a figure takes long: some of each. Of
        # a figure the numbers are there all the same.
        long = "true=" in link or "/images/" in link or urlsplit(link).path.endswith((".svg", ".png"))
        if link.startswith("#") or (long and number % 20):
            continue
        assert pages.get(link).status_code == 200, link


def test_a_confusion_cell_leads_to_exactly_its_images(pages):
    text = pages.get("/runs/first").text
    cells = re.findall(r'<td class="[rw] d\d+"><a href="([^"]+)"[^>]*>([\d,]+)', text)
    assert sum(int(count) for _, count in cells) == 120
    for link, count in cells:
        shown = pages.get(html.unescape(link)).text
        asked = parse_qs(urlsplit(html.unescape(link)).query)
        true, said = asked["true"][0], asked["said"][0]
        alts = re.findall(r'<img class="picture"[^>]* alt="([^"]+)"', shown)
        assert len(alts) == int(count)
        expected = f"{true}, recognised" if true == said else f"{true}, taken for {said}"
        assert all(alt.startswith(expected) for alt in alts)


def test_previous_and_next_walk_through_the_filter(pages):
    gallery = pages.get("/runs/first/mistakes?sort=confidence").text
    tiles = links(gallery, "/images/")
    seen = [tiles[0]]
    while following := re.search(r'<a href="([^"]+)" data-key="ArrowRight"', pages.get(seen[-1]).text):
        seen.append(html.unescape(following[1]))
    assert [urlsplit(each).path for each in seen] == [urlsplit(each).path for each in tiles]
    back = re.search(r'<a href="([^"]+)" data-key="ArrowLeft"', pages.get(seen[1]).text)
    assert urlsplit(html.unescape(back[1])).path == urlsplit(seen[0]).path


def test_runs_are_sorted_and_filtered(pages):
    def names(address: str) -> list[str]:
        return re.findall(r'<a class="run" href="[^"]+">([^<]+)</a>', pages.get(address).text)

    assert names("/runs?sort=name") == ["begun", "first", "held-out", "second"]
    assert names("/runs?sort=-name") == ["second", "held-out", "first", "begun"]
    assert names("/runs?sort=-accuracy")[:2] == ["second", "first"]
    assert names("/runs?q=SEC") == ["second"]
    assert names("/runs?state=running") == ["begun"]
    assert names("/runs?q=nothing") == []


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/runs/nothing", 404, "there is no run"),
        ("/runs/..%2f..%2fetc", 404, ""),
        ("/runs/%2e%2e/live", 404, ""),
        ("/runs/first/nothing", 404, "has no page"),
        ("/runs/first?split=train", 400, "not been evaluated on train"),
        ("/runs/first?split=validation", 400, "/first --split validation"),
        ("/runs/begun/mistakes", 400, "cifarlab evaluate"),
        ("/runs?sort=size", 400, "unknown column"),
        ("/runs?page=two", 400, "whole number"),
        ("/runs/first/mistakes?true=cat", 400, "unknown class"),
        ("/runs/first/mistakes?against=nothing&side=lost", 404, "there is no run"),
        ("/compare?run=first", 200, "What was taken for what"),
        ("/compare", 400, "choose two runs"),
        ("/compare?run=first&run=second&split=train", 400, "unknown split"),
        ("/data/cifar10", 404, "no data set"),
        ("/data/digits?split=extra", 404, "has no extra images"),
        ("/images/digits/nothing", 404, "has no image"),
        ("/images/digits/..%2f..%2fetc%2fpasswd", 404, ""),
        ("/pictures/digits/0/..%2f..%2fetc%2fpasswd", 404, ""),
        ("/sections/nothing?run=first", 404, "no section"),
        ("/sections/headline", 400, "run=NAME"),
        ("/sections/headline?split=test&run=begun", 400, "not evaluated"),
        ("/figures/runs/first/nothing.svg", 404, "has no figure"),
        ("/figures/runs/first/confusion-matrix.exe", 404, "has no figure"),
        ("/figures/data/digits/nothing.csv", 404, "has no figure"),
        ("/trainings/new?recipe=nothing", 200, "Train a recipe"),
    ],
)
def test_a_wrong_address_gets_a_page_with_one_sentence(pages, address, status, says):
    answer = pages.get(address)
    assert answer.status_code == status
    assert says in html.unescape(answer.text)
    assert "Traceback" not in answer.text


def test_a_section_is_drawn_once_and_then_stands_in_its_page(own_pages):
    pages = own_pages
    text = pages.get("/runs/first").text
    left = [html.unescape(each) for each in re.findall(r'data-lazy="([^"]+)"', text)]
    assert left == ["/sections/curves?split=&run=first", "/sections/per_class?split=test&run=first"]
    for address in left:
        assert "<svg" in pages.get(address).text
    text = pages.get("/runs/first").text
    assert "data-lazy" not in text
    assert text.count('class="figure"') == 3
    assert pages.get("/sections/robustness?split=test&run=first").status_code == 204


def test_a_dense_networks_first_layer_is_shown_and_no_other_ones(own_pages, runs_dir, fake_run):
    tab = ">First layer</a>"
    text = own_pages.get("/runs/first/weights?whole=1").text
    assert tab in text
    for title in ("What the first layer looks for", "How local the first layer became", "Units that never answer"):
        assert title in text
    rows = own_pages.get("/figures/runs/first/locality.csv").text.splitlines()
    assert rows[0] == "unit,half_energy_side_pixels,energy"
    assert len(rows) == 1 + 8
    fake_run.write_model(runs_dir / "second" / "model.keras", (8, 8, 1), units=8, first="Conv2D")
    assert tab not in own_pages.get("/runs/second").text
    answer = own_pages.get("/runs/second/weights")
    assert answer.status_code == 404
    assert "the first layer of second is no dense layer over the whole picture" in answer.text
    assert own_pages.get("/figures/runs/second/first-layer.svg").status_code == 404
    (runs_dir / "second" / "model.keras").write_bytes(b"PK")
    assert "cannot read the weights" in own_pages.get("/runs/second/weights").text
    assert "begun has no model yet" in own_pages.get("/runs/begun/weights").text


def test_the_first_layer_is_there_before_any_evaluation(own_pages, runs_dir):
    run = Run(runs_dir / "first")
    run.scores_file("test").unlink()
    run.set_state("stopped", "interrupted")
    assert ">First layer</a>" in own_pages.get("/runs/first").text
    text = own_pages.get("/runs/first/weights").text
    left = [html.unescape(each) for each in re.findall(r'data-lazy="([^"]+)"', text)]
    assert [urlsplit(each).path for each in left] == ["/sections/first_layer", "/sections/locality"]
    for address in left:
        assert "<svg" in own_pages.get(address).text
    assert f"<code>cifarlab evaluate {run.path}</code> counts them" in text
    answer = own_pages.get("/figures/runs/first/first-layer.csv")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith('"first-first-layer.csv"')


def test_where_dead_units_were_not_counted_the_page_says_who_counts_them(own_pages, runs_dir):
    says = "Which of its units never answer is not known: it was evaluated before that was counted"
    assert says not in own_pages.get("/runs/first/weights").text
    path = runs_dir / "first" / "scores.json"
    files.write_json(path, {key: value for key, value in files.read_json(path).items() if key != "activity"})
    assert says in own_pages.get("/runs/first/weights").text


def test_the_first_layers_numbers_are_those_of_the_units_shown(own_pages, runs_dir, fake_run, monkeypatch):
    monkeypatch.setattr("cifarlab.web.figures.MOST_UNITS", 5)
    kernel = fake_run.write_model(runs_dir / "first" / "model.keras", (4, 5, 3), units=7)
    rows = list(csv.DictReader(io.StringIO(own_pages.get("/figures/runs/first/first-layer.csv").text)))
    energies = (kernel.astype(float) ** 2).sum(axis=0)
    assert [int(row["unit"]) for row in rows] == np.argsort(-energies)[:5].tolist()
    assert float(rows[0]["energy"]) == pytest.approx(energies.max())
    names = [f"w_{row}_{column}_{channel}" for row, column, channel in np.ndindex(4, 5, 3)]
    assert list(rows[0]) == ["unit", "energy", *names]
    for row in rows:
        shown = [float(row[name]) for name in names]
        np.testing.assert_allclose(shown, kernel[:, int(row["unit"])], rtol=1e-3)


@pytest.mark.parametrize(
    ("address", "item"),
    [
        ("/runs/first/making", "Runs"),
        ("/compare?run=first&run=second", "Runs"),
        ("/trainings/new", "Runs"),
        ("/images/digits/{image}?in=first", "Runs"),
        ("/images/digits/{image}", "Data"),
        ("/images/digits/{image}?in=data", "Data"),
        ("/data/digits/figures", "Data"),
        ("/classify", "Classify"),
    ],
)
def test_the_navigation_says_where_one_is(pages, address, item):
    text = pages.get(address.format(image=image_id())).text
    navigation = text[text.index('<nav aria-label="Pages">') : text.index("</nav>")]
    assert re.findall(r'aria-current="page">(\w+)<', navigation) == [item]


def test_pictures_are_kept_by_the_browser(pages):
    address = re.search(r'src="(/pictures/[^"]+)"', pages.get("/data/digits").text)[1]
    answer = pages.get(address)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    old = pages.get(re.sub(r"/pictures/digits/\w+/", "/pictures/digits/older/", address))
    assert old.content == answer.content
    assert "immutable" not in old.headers["cache-control"]


def test_live_part_is_sent_only_when_it_changed(own_pages, runs_dir):
    first = own_pages.get("/runs/first/live")
    again = own_pages.get("/runs/first/live", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    run = Run(runs_dir / "first")
    run.write_history([*run.history(), {**run.history()[-1], "epoch": 4.0}])
    assert own_pages.get("/runs/first/live", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


FIGURES = ["training-curves", "confusion-matrix", "per-class-scores", "reliability", "risk-coverage"]


@pytest.mark.parametrize("name", [*FIGURES, "first-layer", "locality"])
@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("csv", b"")])
def test_every_figure_can_be_downloaded(pages, name, kind, begins):
    answer = pages.get(f"/figures/runs/first/{name}.{kind}")
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert f'{name}.{kind}"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("name", ["accuracy-intervals", *(name for name in FIGURES if name != "confusion-matrix")])
def test_every_figure_of_a_comparison_can_be_downloaded(pages, name):
    address = f"/figures/compare/{name}"
    assert pages.get(f"{address}.png?run=first&run=second").content.startswith(b"\x89PNG")
    rows = pages.get(f"{address}.csv?run=first&run=second").text.splitlines()
    assert rows[0].startswith("run,")
    assert {row.partition(",")[0] for row in rows[1:]} == {"first", "second"}
    assert pages.get(f"{address}.csv?run=first&run=begun").status_code == 404


@pytest.mark.parametrize("name", ["class-counts", "class-means", "brightness"])
@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("csv", b"")])
def test_every_figure_of_the_data_can_be_downloaded(pages, name, kind, begins):
    answer = pages.get(f"/figures/data/digits/{name}.{kind}")
    assert answer.status_code == 200
    assert answer.content.startswith(begins)


def test_numbers_of_a_figure_are_those_of_the_run(pages, made_runs):
    rows = pages.get("/figures/runs/first/confusion-matrix.csv").text.splitlines()
    counts = np.array([[int(value) for value in row.split(",")[1:]] for row in rows[1:]])
    np.testing.assert_array_equal(counts, files.read_json(made_runs / "first" / "scores.json")["confusion_matrix"])


def said(text: str) -> str:
    """A page's words, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())


def test_runs_without_numbers_are_compared_by_their_training(own_pages, runs_dir):
    Run(runs_dir / "first").scores_file("test").unlink()
    text = own_pages.get("/compare?run=first&run=second").text
    assert "2 runs side by side, on test" in said(text)
    assert "first has not been evaluated on test, which its own page offers as soon as it is trained" in said(text)
    assert "the numbers are those of second." in said(text)
    assert re.findall(r'data-lazy="/sections/(\w+)\?split=test&amp;([^"]+)"', text) == [
        ("curves", "run=second&amp;run=first"),
        ("per_class", "run=second"),
        ("calibration", "run=second"),
    ]
    assert "of 120 test images were named correctly" in said(text)
    assert {"cifarlab train mlp2 --name first --seed 0", "cifarlab train mlp2 --name second --seed 0"} <= set(
        re.findall(r"<code>(cifarlab train [^<]+)</code>", text)
    )
    figures = {urlsplit(link).path.split("/")[-1]: link for link in links(text, ".csv?")}
    assert set(figures) == {f"{name}.csv" for name in COMPARISONS}
    for name, link in figures.items():
        assert link.endswith("run=second&run=first" if name == "training-curves.csv" else "&run=second")
        assert own_pages.get(link).status_code == 200
    for address in re.findall(r'data-lazy="([^"]+)"', text):
        assert own_pages.get(html.unescape(address)).status_code == 200


def test_trainings_that_nothing_was_asked_of_are_compared(own_pages, runs_dir):
    for name in ("first", "second"):
        Run(runs_dir / name).scores_file("test").unlink()
    text = own_pages.get("/compare?run=first&run=second&whole=1").text
    assert "2 runs side by side" in said(text)
    assert "first and second have not been evaluated on test, which their own pages offer" in said(text)
    assert re.findall(r'<section id="([\w-]+)"', text) == ["curves", "making"]
    assert {urlsplit(link).path for link in links(text, ".csv")} == {"/figures/compare/training-curves.csv"}


def test_runs_that_have_written_nothing_down_cannot_be_compared(own_pages, runs_dir):
    create_run(runs_dir, "begun-too").set_state("running")
    answer = own_pages.get("/compare?run=begun&run=begun-too")
    assert answer.status_code == 400
    assert "begun, begun-too have not been evaluated on test: run cifarlab evaluate " in said(answer.text)


def test_runs_are_compared_where_most_have_been_evaluated(own_pages, runs_dir, make_run):
    make_run(runs_dir, "held-out-too", fraction=0.2)
    text = own_pages.get("/compare?run=first&run=held-out&run=held-out-too").text
    assert "3 runs side by side, on validation" in said(text)
    assert "?run=first&run=held-out&run=held-out-too&split=test" in "".join(links(text, "split=test"))
    recipe = Run(runs_dir / "first").recipe_file
    files.write_json(recipe, {**files.read_json(recipe), "validation_fraction": 0.0})
    text = own_pages.get("/compare?run=first&run=held-out&run=held-out-too").text
    assert "first learned from all training images: there are no validation images to evaluate on." in said(text)


def offered(text: str) -> list[str]:
    """On which splits a page offers to evaluate."""
    return re.findall(r'<button[^>]* name="split" value="(\w+)">Evaluate on \1</button>', text)


def test_what_was_not_evaluated_is_offered_validation_first(own_pages, runs_dir):
    assert offered(own_pages.get("/runs/first").text) == ["validation"]
    assert offered(own_pages.get("/runs/held-out").text) == ["test"]
    assert offered(own_pages.get("/runs/begun").text) == []
    second = Run(runs_dir / "second")
    second.scores_file("test").unlink()
    text = own_pages.get("/runs/second").text
    assert offered(text) == ["validation", "test"]
    assert "evaluate" in said(text)
    assert f"Or in a terminal: cifarlab evaluate {second.path} --split validation" in said(text)
    recipe = files.read_json(second.recipe_file)
    files.write_json(second.recipe_file, {**recipe, "validation_fraction": 0.0})
    text = own_pages.get("/runs/second").text
    assert offered(text) == ["test"]
    assert "choose on validation" not in text
    assert "held out no validation" in own_pages.post("/runs/second/evaluate", data={"split": "validation"}).text
    second.model_file.unlink()
    assert offered(own_pages.get("/runs/second").text) == []


def test_a_recipe_of_another_version_is_named_and_the_rest_is_shown(own_pages, runs_dir):
    run = Run(runs_dir / "first")
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "flip": True})
    why = f"{run.recipe_file} is no recipe of this version of cifarlab: flip must be a word. Received: True; train"
    text = own_pages.get("/runs/first").text
    assert why in said(text)
    assert "of 120 test images were named correctly" in said(text)
    assert offered(text) == []
    answer = own_pages.post("/runs/first/evaluate", data={"split": "validation"})
    assert answer.status_code == 400
    assert f"first cannot be evaluated: {why}" in said(answer.text)
    assert own_pages.get("/runs/first/making").status_code == 200
    run.scores_file("test").unlink()
    text = own_pages.get("/runs/first").text
    assert "finished after 3 of 100 epochs" in said(text)
    assert offered(text) == []
    for broken in ("{", "[]", "{}"):
        run.recipe_file.write_text(broken)
        text = own_pages.get("/runs/first?whole=1").text
        assert "finished after 3 epochs" in said(text)
        assert "recipe.json" in said(text)


def test_a_stopped_run_tells_its_time_and_says_once_why(own_pages, runs_dir):
    run = Run(runs_dir / "first")
    run.set_state("stopped", "interrupted")
    environment = run.environment
    del environment["training_seconds"]
    files.write_json(run.environment_file, environment)
    run.write_history([{**row, "epoch_seconds": 2.3} for row in run.history()])
    notice = "The training of first did not finish: it is stopped (interrupted)."
    files.write_json(run.scores_file("test"), {**run.scores(), "notices": [notice]})
    text = said(own_pages.get("/runs/first").text)
    assert "Training6.9 s3 epochs" in text
    assert notice in text
    assert "stopped after 3 of 100 epochs" in text
    assert text.count("interrupted") == 1
    assert "6.9 s" in said(own_pages.get("/runs/first/making").text)
    run.scores_file("test").unlink()
    assert "stopped after 3 of 100 epochs: interrupted" in said(own_pages.get("/runs/first").text)


def test_theme_is_kept_and_leads_back_into_the_app_only(pages):
    assert 'data-theme="dark"' in pages.get("/runs?theme=dark").text
    answer = pages.get("/theme?to=dark&back=/data/digits", follow_redirects=False)
    assert answer.headers["location"] == "/data/digits"
    assert "cifarlab_theme=dark" in answer.headers["set-cookie"]
    for back in ("//example.org", "https://example.org", "/\\example.org"):
        assert (
            pages.get("/theme", params={"to": "dark", "back": back}, follow_redirects=False).headers["location"] == "/"
        )


def test_a_name_with_odd_characters_is_linked_to(runs_dir, make_run, make_client):
    make_run(runs_dir, "odd")
    (runs_dir / "odd").rename(runs_dir / 'a b&c"<i>#?%')
    pages = make_client(runs_dir=runs_dir)
    (link,) = [each for each in links(pages.get("/runs?q=a b").text) if each.startswith("/runs/a")]
    answer = pages.get(link)
    assert answer.status_code == 200
    assert "<i>" not in answer.text


def test_without_the_data_the_gallery_says_why(runs_dir, make_client):
    for name in ("first", "second", "held-out"):
        path = runs_dir / name / "data.json"
        files.write_json(path, {**files.read_json(path), "name": "cifar10", "data_dir": str(runs_dir)})
    text = make_client(runs_dir=runs_dir).get("/runs/first/mistakes").text
    assert "The pictures cannot be shown" in text
    assert 'class="picture absent"' in text


def test_an_empty_folder_invites(make_client):
    text = make_client().get("/runs").text
    assert "No runs yet" in text
    assert "/trainings/new?recipe=smoke" in text


def test_a_training_needs_a_right_form(pages, made_runs):
    answer = pages.post("/trainings", data={"recipe": "smoke", "name": "first"})
    assert answer.status_code == 400
    assert "already a run" in answer.text
    answer = pages.post("/trainings", data={"recipe": "smoke", "name": "new", "set.epochs": "0"})
    assert answer.status_code == 400
    assert "epochs must be at least 1" in answer.text
    assert 'value="0"' in answer.text
    answer = pages.post("/trainings", data={"recipe": "smoke", "name": "new", "set.model": "/tmp/x.py"})
    assert answer.status_code == 400
    assert "unknown field 'set.model'" in html.unescape(answer.text)
    assert not (made_runs / "new").exists()
    assert pages.post("/runs/first/stop").status_code == 400


def test_what_cannot_be_evaluated_is_refused(pages):
    assert "no trained model" in pages.post("/runs/begun/evaluate").text
    assert "one of: test, validation" in pages.post("/runs/first/evaluate", data={"split": "train"}).text
    assert pages.post("/runs/nothing/evaluate").status_code == 404
