"""The pages of one run: what they show, what they offer, and what is said of a run that is damaged or old."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np

from cifarlab import metrics
from cifarlab.runs import Run
from cifarlab.runs.derived import model_checksum
from cifarlab.utils import files
from cifarlab.utils.json_data import json_data

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def offered(text: str) -> list[str]:
    """On which splits a page offers to evaluate."""
    return re.findall(r'<button[^>]* name="split" value="(\w+)">Evaluate on \1</button>', text)


def test_a_confusion_cell_leads_to_exactly_its_images(pages):
    text = pages.get("/runs/first").text
    cells = re.findall(r'<td class="[rw] d\d+"><a href="([^"]+)"[^>]*>([\d,]+)', text)
    assert sum(int(count) for _, count in cells) == 120
    for link, count in cells:
        shown = pages.get(html.unescape(link)).text
        query = parse_qs(urlsplit(html.unescape(link)).query)
        true, predicted = query["true"][0], query["said"][0]
        alts = re.findall(r'<span class="picture" role="img" aria-label="([^"]+)"', shown)
        assert len(alts) == int(count)
        expected = f"{true}, classified correctly" if true == predicted else f"{true}, predicted as {predicted}"
        assert all(alt.startswith(expected) for alt in alts)


def test_the_most_frequent_confusion_is_named_and_leads_to_its_images(pages, made_runs, text_of):
    text = pages.get("/runs/first").text
    ((link, said),) = re.findall(r'Most often: <a href="([^"]+)">([^<]+)</a>', text)
    counts = metrics.confusion_matrix(Run(made_runs / "first").predictions("test"))
    wrong = counts - np.diag(np.diag(counts))
    true, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    assert said == f"{NAMES[true]} predicted as {NAMES[predicted]}, {wrong.max()} of {counts[true].sum()}"
    gallery = pages.get(html.unescape(link)).text
    assert f"{wrong.max()} images of test" in text_of(gallery)
    assert '<a class="skip" href="#after-matrix">' in text
    assert 'id="after-matrix"' in text


def test_evaluating_comes_first_and_is_told_at_the_top(own_pages, runs_dir, launched):
    run = Run(runs_dir / "first")
    page = own_pages.get("/runs/first").text
    assert page.index("Evaluate on validation") < page.index(">Calibrate<")
    assert 'id="busy"' not in page
    own_pages.post("/runs/first/evaluate", data={"split": "validation"})
    page = own_pages.get("/runs/first").text
    assert re.search(r'id="busy">It is being evaluated: the numbers below are those of before', page)
    assert page.index('id="busy"') < page.index('class="big"')
    run = Run(runs_dir / "second")
    run.scores_file("test").unlink()
    page = own_pages.get("/runs/second").text
    assert page.count('id="evaluate"') == 1
    assert page.index("Evaluate on validation") < page.index(">Calibrate<") < page.index("Not evaluated yet")


def test_what_was_evaluated_on_validation_alone_says_so(own_pages, text_of):
    row = text_of(own_pages.get("/runs-table?q=held-out").text).replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"not evaluatedvalidation: \d+\.\d\d %", row)
    text = text_of(own_pages.get("/runs/held-out").text)
    assert "validation images were classified correctly" in text
    assert "it is estimated from 120 validation images" in text
    assert "images of validation" in text_of(own_pages.get("/runs/held-out/mistakes").text)


def test_a_best_epoch_by_another_measure_says_by_which(own_pages, runs_dir, text_of):
    run = Run(runs_dir / "first")
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "select_by": "loss"})
    run.write_history([{**row, "is_best": float(row["epoch"] == 2)} for row in run.history()])
    run.set_state("running")
    said = "best so far by loss on validation: epoch 2, 55.00 % accuracy on validation"
    assert said in text_of(own_pages.get("/runs/first").text).replace("\N{NO-BREAK SPACE}", " ")


def test_a_section_is_drawn_once_and_then_stands_in_its_page(own_pages):
    pages = own_pages
    text = pages.get("/runs/first").text
    left = [html.unescape(each) for each in re.findall(r'data-lazy="([^"]+)"', text)]
    assert left == ["/sections/training_curves?split=&run=first", "/sections/class_metrics?split=test&run=first"]
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
    for title in ("First-layer weights", "Locality of first-layer weights", "Dead units"):
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
    assert [urlsplit(each).path for each in left] == ["/sections/first_layer_weights", "/sections/locality"]
    for address in left:
        assert "<svg" in own_pages.get(address).text
    assert f"<code>cifarlab evaluate {run.path}</code> counts them" in text
    answer = own_pages.get("/figures/runs/first/first-layer.csv")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith('"first-first-layer.csv"')


def test_where_dead_units_were_not_counted_the_page_says_who_counts_them(own_pages, runs_dir):
    says = "Its dead units have not been counted: an earlier version evaluated it"
    assert says not in own_pages.get("/runs/first/weights").text
    path = runs_dir / "first" / "scores.json"
    files.write_json(path, {key: value for key, value in files.read_json(path).items() if key != "activity"})
    assert says in own_pages.get("/runs/first/weights").text


def test_live_part_is_sent_only_when_it_changed(own_pages, runs_dir):
    first = own_pages.get("/runs/first/live")
    again = own_pages.get("/runs/first/live", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    run = Run(runs_dir / "first")
    run.write_history([*run.history(), {**run.history()[-1], "epoch": 4.0}])
    assert own_pages.get("/runs/first/live", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_what_was_not_evaluated_is_offered_validation_first(own_pages, runs_dir, text_of):
    assert offered(own_pages.get("/runs/first").text) == ["validation"]
    assert offered(own_pages.get("/runs/held-out").text) == ["test"]
    assert offered(own_pages.get("/runs/begun").text) == []
    second = Run(runs_dir / "second")
    second.scores_file("test").unlink()
    text = own_pages.get("/runs/second").text
    assert offered(text) == ["validation", "test"]
    assert "evaluate" in text_of(text)
    assert f"Or in a terminal: cifarlab evaluate {second.path} --split validation" in text_of(text)
    recipe = files.read_json(second.recipe_file)
    files.write_json(second.recipe_file, {**recipe, "validation_fraction": 0.0})
    text = own_pages.get("/runs/second").text
    assert offered(text) == ["test"]
    assert "choose on validation" not in text
    assert "held out no validation" in own_pages.post("/runs/second/evaluate", data={"split": "validation"}).text
    second.model_file.unlink()
    assert offered(own_pages.get("/runs/second").text) == []


def test_a_recipe_of_another_version_is_named_and_the_rest_is_shown(own_pages, runs_dir, text_of):
    run = Run(runs_dir / "first")
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "flip": True})
    why = f"{run.recipe_file} is no recipe of this version of cifarlab: flip must be a word. Received: True; train"
    text = own_pages.get("/runs/first").text
    assert why in text_of(text)
    assert "of 120 test images were classified correctly" in text_of(text)
    assert offered(text) == []
    answer = own_pages.post("/runs/first/evaluate", data={"split": "validation"})
    assert answer.status_code == 400
    assert f"first cannot be evaluated: {why}" in text_of(answer.text)
    assert own_pages.get("/runs/first/making").status_code == 200
    run.scores_file("test").unlink()
    text = own_pages.get("/runs/first").text
    assert "finished after 3 of 100 epochs" in text_of(text)
    assert offered(text) == []
    for broken in ("{", "[]", "{}"):
        run.recipe_file.write_text(broken)
        text = own_pages.get("/runs/first?whole=1").text
        assert "finished after 3 epochs" in text_of(text)
        assert "recipe.json" in text_of(text)


def test_a_stopped_run_tells_its_time_and_says_once_why(own_pages, runs_dir, text_of):
    run = Run(runs_dir / "first")
    run.set_state("stopped", "interrupted")
    environment = run.environment
    del environment["training_seconds"]
    files.write_json(run.environment_file, environment)
    run.write_history([{**row, "epoch_seconds": 2.3} for row in run.history()])
    notice = "The training of first did not finish: it is stopped (interrupted)."
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "notices": [notice]})
    text = text_of(own_pages.get("/runs/first").text)
    assert "Training time6.9 s3 epochs, time of validation not counted" in text
    assert notice in text
    assert "stopped after 3 of 100 epochs" in text
    assert text.count("interrupted") == 1
    assert "6.9 s" in text_of(own_pages.get("/runs/first/making").text)
    run.scores_file("test").unlink()
    assert "stopped after 3 of 100 epochs: interrupted" in text_of(own_pages.get("/runs/first").text)


def test_without_the_data_the_gallery_says_why(runs_dir, make_client):
    for name in ("first", "second", "held-out"):
        path = runs_dir / name / "data.json"
        files.write_json(path, {**files.read_json(path), "name": "cifar10", "data_dir": str(runs_dir)})
    text = make_client(runs_dir=runs_dir).get("/runs/first/mistakes").text
    assert "The pictures cannot be shown" in text
    assert 'class="picture absent"' in text


def test_what_cannot_be_evaluated_is_refused(pages):
    assert "no trained model" in pages.post("/runs/begun/evaluate").text
    assert "one of: test, validation" in pages.post("/runs/first/evaluate", data={"split": "train"}).text
    assert pages.post("/runs/nothing/evaluate").status_code == 404


def test_scores_of_an_earlier_model_are_not_shown_but_told_with_the_command(own_pages, runs_dir, monkeypatch):
    monkeypatch.setattr("cifarlab.web.pages.library._FRESH_SECONDS", 0)
    run = Run(runs_dir / "first")
    accuracy = f'<p class="big">{100 * run.scores().accuracy:.2f}'
    assert accuracy in own_pages.get("/runs/first").text
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "model_checksum": "crc32:1"})
    table = own_pages.get("/runs-table?q=first").text
    assert "of an earlier model" in table
    page = html.unescape(own_pages.get("/runs/first").text)
    assert f"{run.scores_file('test')} is of an earlier model" in page
    assert f"run cifarlab evaluate {run.path}" in page
    assert accuracy not in page
    assert "Not evaluated since its model changed" in page
    assert "test" in offered(page)
    answer = own_pages.get("/runs/first?split=test")
    assert answer.status_code == 400
    assert "of an earlier model" in answer.text
    assert own_pages.get("/v1/runs/first/scores").status_code == 404
    listed = {each["id"]: each for each in own_pages.get("/v1/runs").json()["runs"]}
    assert (listed["first"]["test_accuracy"], listed["first"]["evaluated_on"]) == (None, [])
    compared = own_pages.get("/compare?run=first&run=second").text
    assert "(first: of an earlier model)" in compared


def test_a_changed_model_alone_makes_the_listing_look_again(own_pages, runs_dir, fake_run):
    run = Run(runs_dir / "first")
    files.write_json(run.scores_file("test"), {**json_data(run.scores()), "model_checksum": model_checksum(run)})
    assert "of an earlier model" not in own_pages.get("/runs/first").text
    fake_run.write_model(run.model_file, (8, 8, 1), units=9)
    assert "of an earlier model" in own_pages.get("/runs/first").text


def test_what_can_be_done_with_a_run_is_offered(own_pages, runs_dir, acts):
    text = own_pages.get("/runs/first").text
    assert acts(text) == {"evaluate", "calibrate", "notes", "rename", "delete"}
    assert 'href="/trainings/again?run=first"' in text
    run = Run(runs_dir / "first")
    run.set_state("stopped", "interrupted")
    assert "resume" not in acts(own_pages.get("/runs/first").text)
    run.checkpoint_file.touch()
    assert "resume" in acts(own_pages.get("/runs/first").text)
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "validation_fraction": 0.0})
    assert "calibrate" not in acts(own_pages.get("/runs/first").text)
    assert "held out no validation" in own_pages.post("/runs/first/calibrate").text
    run.set_state("running")
    assert acts(own_pages.get("/runs/first").text) == {"stop", "notes"}


def test_what_cannot_be_resumed_or_calibrated_is_refused(own_pages, runs_dir):
    assert "first cannot be resumed: it is finished" in own_pages.post("/runs/first/resume").text
    run = Run(runs_dir / "first")
    run.set_state("stopped", "interrupted")
    assert "and has no checkpoint" in own_pages.post("/runs/first/resume").text
    run.checkpoint_file.touch()
    files.write_json(run.data_file, {**run.data, "name": "folder:/somewhere"})  # that only the operator may name
    for what in ("resume", "calibrate"):
        answer = own_pages.post(f"/runs/first/{what}")
        assert (answer.status_code, "was trained on folder:/somewhere" in answer.text) == (400, True)
    assert "no trained model" in own_pages.post("/runs/begun/calibrate").text
    assert own_pages.post("/runs/nothing/resume").status_code == 404


def test_a_calibrated_run_says_so(own_pages, runs_dir, acts):
    run = Run(runs_dir / "first")
    temperature = {"value": 1.25, "low": 1.2, "high": 1.3, "method": "made up"}
    made = {"temperature": temperature, "model_checksum": model_checksum(run)}
    files.write_json(run.path / "calibration.json", made)
    text = own_pages.get("/runs/first").text
    assert "Calibrated: temperature 1.250." in text
    assert "calibrate" not in acts(text)
    files.write_json(run.path / "calibration.json", {**made, "model_checksum": "crc32:1"})
    assert "calibrate" in acts(own_pages.get("/runs/first").text)
    (run.path / "calibration.json").write_text("{")
    text = own_pages.get("/runs/first").text
    assert "<strong>calibration.json</strong>" in text
    assert "calibrate" in acts(text)
