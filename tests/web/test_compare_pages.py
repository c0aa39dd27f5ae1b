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
    assert "more than by the other run" not in page
    assert "of 120 test images of mnist were classified correctly by second" in text_of(page)
    for name in COMPARISONS:
        rows = own_pages.get(f"/figures/compare/{name}.csv?split=test&run=first&run=second").text
        assert "first on digits" in rows
        assert "second on mnist" in rows
