"""Several runs side by side, with numbers and without."""

import html
import re
from urllib.parse import urlsplit

from cifarlab.runs import Run, create_run
from cifarlab.utils import files
from cifarlab.web.pages.figures import COMPARISONS


def test_runs_without_numbers_are_compared_by_their_training(own_pages, runs_dir, links, text_of):
    Run(runs_dir / "first").scores_file("test").unlink()
    text = own_pages.get("/compare?run=first&run=second").text
    assert "2 runs side by side, on test" in text_of(text)
    assert "first has not been evaluated on test, which its own page offers as soon as it is trained" in text_of(text)
    assert "the numbers are those of second." in text_of(text)
    assert re.findall(r'data-lazy="/sections/(\w+)\?split=test&amp;([^"]+)"', text) == [
        ("training_curves", "run=second&amp;run=first"),
        ("class_metrics", "run=second"),
        ("calibration", "run=second"),
    ]
    assert "of 120 test images were classified correctly" in text_of(text)
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


def set_recipe(run, **changes):
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), **changes})


def compare_address(names):
    return "/compare?whole=1&" + "&".join(f"run={name}" for name in names)


def test_two_runs_are_compared_by_a_verdict_and_what_they_differ_in(own_pages, runs_dir, text_of):
    set_recipe(Run(runs_dir / "first"), batch_size=100)
    page = own_pages.get("/compare?run=first&run=second").text  # at once: nothing has to be drawn
    assert re.findall(r'<p class="told">([^<]+)</p>', page) == ["second is better"]
    assert page.index('class="told"') < page.index("<table")
    assert "second is more accurate than first by" in text_of(page)
    assert "They differ in: batch_size 100 / 1000." in text_of(page)
    assert 'class="big"' not in own_pages.get("/compare?run=first&run=second&whole=1").text


def test_groups_of_seeds_are_compared_as_groups_and_their_pairs_are_folded(own_pages, runs_dir, make_run, text_of):
    names = {size: [f"b{size}-seed{seed}" for seed in range(3)] for size in (100, 1000)}
    for size, group in names.items():
        for seed, name in enumerate(group):
            set_recipe(make_run(runs_dir, name, skill=1.0 + 3 * (size == 1000)), batch_size=size, seed=seed)
    page = own_pages.get(compare_address([*names[100], *names[1000]])).text
    text = text_of(page)
    assert re.findall(r'<p class="told">([^<]+)</p>', page) == ["Not told apart"]
    assert "3 against 3 seeds do not tell b100 and b1000 apart: the means differ by" in text
    assert "So few seeds cannot: their p value is never under 0.10." in text
    assert "They differ in: batch_size 100 / 1000." in text
    assert "train each with several seeds" not in text
    assert "test of all 15 pairs of runs" in text
    folded = "".join(re.findall(r'<details class="folded">.*?</details>', page, re.DOTALL))
    assert folded.count('class="verdict"') == 0
    assert folded.count("<tr><th") == 1 + 15
    assert folded.count("<li>") == 15
    set_recipe(Run(runs_dir / "b1000-seed2"), seed=1)  # a copy says nothing about how far seeds lie apart
    page = own_pages.get(compare_address([*names[100], *names[1000]])).text
    assert re.findall(r'<p class="told">([^<]+)</p>', page) == ["9 of 15 pairs told apart"]


def test_trainings_that_nothing_was_asked_of_are_compared(own_pages, runs_dir, links, text_of):
    for name in ("first", "second"):
        Run(runs_dir / name).scores_file("test").unlink()
    text = own_pages.get("/compare?run=first&run=second&whole=1").text
    assert "2 runs side by side" in text_of(text)
    assert "first and second have not been evaluated on test, which their own pages offer" in text_of(text)
    assert re.findall(r'<section id="([\w-]+)"', text) == ["training-curves", "reproducibility"]
    assert {urlsplit(link).path for link in links(text, ".csv")} == {"/figures/compare/training-curves.csv"}


def test_runs_that_have_written_nothing_down_cannot_be_compared(own_pages, runs_dir, text_of):
    create_run(runs_dir, "begun-too").set_state("running")
    answer = own_pages.get("/compare?run=begun&run=begun-too")
    assert answer.status_code == 400
    assert "begun has no trained model yet: wait until its training has ended; begun-too has no" in text_of(answer.text)


def test_runs_are_compared_where_most_have_been_evaluated(own_pages, runs_dir, make_run, links, text_of):
    make_run(runs_dir, "held-out-too", fraction=0.2)
    text = own_pages.get("/compare?run=first&run=held-out&run=held-out-too").text
    assert "3 runs side by side, on validation" in text_of(text)
    assert "?run=first&run=held-out&run=held-out-too&split=test" in "".join(links(text, "split=test"))
    recipe = Run(runs_dir / "first").recipe_file
    files.write_json(recipe, {**files.read_json(recipe), "validation_fraction": 0.0})
    text = own_pages.get("/compare?run=first&run=held-out&run=held-out-too").text
    assert "first was trained on all training images: there are no validation images to evaluate on." in text_of(text)


def test_runs_of_different_data_sets_share_no_axis_without_a_sentence(own_pages, runs_dir, text_of):
    assert "different data sets" not in own_pages.get("/compare?run=first&run=second&whole=1").text
    second = Run(runs_dir / "second")
    files.write_json(second.data_file, {**second.data, "name": "mnist"})
    page = own_pages.get("/compare?run=first&run=second&whole=1").text
    says = "These runs are of different data sets (first on digits; second on mnist)"
    assert f'<p class="notice" role="note" id="apart">{says}' in page
    sections = dict(re.findall(r'<section id="([\w-]+)"(.*?)</section>', page, re.DOTALL))
    for name, section in sections.items():
        assert says in text_of(f"<p {section}"), name
    assert 'class="told"' not in page
    for name in COMPARISONS:
        rows = own_pages.get(f"/figures/compare/{name}.csv?split=test&run=first&run=second").text
        assert "first on digits" in rows
        assert "second on mnist" in rows
