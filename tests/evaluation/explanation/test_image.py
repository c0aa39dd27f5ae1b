"""One image explained by runs of digits: what it says, what it keeps, the page it becomes."""

import dataclasses
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from cifarlab import CifarlabError, Recipe, evaluate, training
from cifarlab.cli import main as cli
from cifarlab.datasets import load_data
from cifarlab.displays import console
from cifarlab.evaluation.explanation import neighbours
from cifarlab.evaluation.explanation.counterfactual import find_smallest_change
from cifarlab.evaluation.explanation.find_image import find_image
from cifarlab.evaluation.explanation.image import VIEWS, explain_image, explain_images
from cifarlab.evaluation.explanation.label_rank import rank_label
from cifarlab.evaluation.explanation.neighbours import feature_model, nearest
from cifarlab.inference.prediction import compute_logits, load_model, predict_images
from cifarlab.reports.image_story import amplified_difference, write_image_page
from cifarlab.reports.sections.top_losses import find_top_losses
from cifarlab.runs import Run, training_dynamics
from cifarlab.runs.predictions import Predictions

DENSE = Recipe(model="mlp", model_args={"widths": (16,)}, data="digits", epochs=3, batch_size=100, learning_rate=3e-3)
CONVOLUTIONAL = dataclasses.replace(DENSE, model="convnet", model_args={"widths": (4, 8)}, epochs=1)


@pytest.fixture(scope="module")
def splits():
    return load_data("digits", **DENSE.held_out)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [training.train(DENSE, runs_dir=folder, name="dense"), training.train(CONVOLUTIONAL, runs_dir=folder)]


@pytest.fixture(scope="module")
def story(runs, splits):
    evaluate(runs[0])
    return explain_image(str(splits.test.ids[5]), runs)


def test_a_test_images_story(story, runs, splits):
    dense, convolutional = story.runs
    assert (story.split, dense.split, story.label) == ("test", "test", int(splits.test.labels[5]))
    np.testing.assert_array_equal(story.image, splits.test.images[5])
    expected = predict_images(load_model(runs[0]), splits.test.take(np.array([5])))
    np.testing.assert_allclose(dense.probabilities, expected.probabilities[0], atol=1e-5)
    assert dense.views.shape == (len(VIEWS), 10)
    for tta in ("flip", "flip-shift"):
        whole = predict_images(load_model(runs[0]), splits.test.take(np.array([5])), tta=tta)
        np.testing.assert_allclose(dense.averaged[tta], whole.probabilities[0], atol=1e-5)
    assert dense.history is None
    assert dense.label_rank == rank_label(Predictions.load(runs[0].predictions_file("test")), story.image_id)
    assert dense.saliency[0].method == "input gradient"
    assert convolutional.saliency[0].method == "Grad-CAM"
    assert convolutional.label_rank is None


def test_a_look_is_recorded_only_where_the_run_was_not_evaluated(story, runs):
    assert [look["why"] for look in runs[0].looks()] == ["evaluate on digits"]
    assert [look["why"] for look in runs[1].looks()] == [f"image {story.image_id}"]


def test_a_training_images_story(runs, splits):
    chosen = str(splits.train.ids[7])
    told = explain_image("train/7", runs[:1]).runs[0]
    assert told.split == "train"
    assert told.label_rank is None
    curves = training_dynamics.load(runs[0]).train
    np.testing.assert_array_equal(told.history.losses, curves.losses[:, 7].astype(float))
    assert list(told.history.correct) == curves.correct[:, 7].tolist()
    assert len(told.history.losses) == 3
    assert chosen not in [near.image_id for near in told.neighbours]


def test_a_report_brings_the_stories_of_its_worst_mistakes(
    story, runs, tmp_path, undrawn, without_figures, monkeypatch, capsys
):
    monkeypatch.setattr(console, "PLAIN_COUNT_SECONDS", 600)
    page = tmp_path / "told.html"
    assert cli.main(["report", str(runs[0].path), "--output", str(page), "--stories", "2"]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    predictions = Predictions.load(runs[0].predictions_file("test"))
    worst = [str(predictions.ids[row]) for row in find_top_losses(predictions, 2)]
    text = page.read_text(encoding="utf-8")
    for image_id in worst:
        address = f"told-images/image-{image_id}.html"
        assert f'<a class="id" href="{address}">{image_id}</a>' in text
        assert f"<h1>{image_id} " in (tmp_path / address).read_text(encoding="utf-8")
    assert len(list((tmp_path / "told-images").iterdir())) == len(worst) == 2
    assert set(Elements(text).links) - {f"told-images/image-{image_id}.html" for image_id in worst} == {
        link for link in Elements(text).links if link.startswith(("#", "data:"))
    }


def test_the_top_losses_are_the_mistakes_with_the_least_probable_label_by_hand():
    chances = np.array([[0.90, 0.06, 0.04], [0.50, 0.01, 0.49], [0.30, 0.60, 0.10], [0.01, 0.98, 0.01]])
    labels = np.array([1, 1, 0, 1])  # losses 2.8, 4.6 and 1.2; the last prediction is correct
    names = ("cat", "dog", "frog")
    predictions = Predictions(np.array(list("abcd")), labels, np.log(chances).astype(np.float32), names)
    assert find_top_losses(predictions, 9) == [1, 0, 2]
    assert find_top_losses(predictions, 2) == [1, 0]


def test_several_stories_are_each_as_one_alone(story, runs, splits):
    other = str(splits.test.ids[8])
    first, second = explain_images([story.image_id, other], runs)
    assert (first.image_id, second.image_id) == (story.image_id, other)
    np.testing.assert_array_equal(second.image, splits.test.images[8])
    for again, told in zip(first.runs, story.runs, strict=True):
        np.testing.assert_allclose(again.probabilities, told.probabilities, atol=1e-6)
        assert [near.image_id for near in again.neighbours] == [near.image_id for near in told.neighbours]
    assert [each.run for each in second.runs] == [each.run for each in story.runs]


def test_neighbours_are_those_of_brute_force(story, runs, splits):
    body = feature_model(load_model(runs[0]))
    known, wanted = compute_logits(body, splits.train.images), compute_logits(body, story.image[None])[0]
    lengths = np.sqrt((known.astype(float) ** 2).sum(axis=1) * (wanted.astype(float) @ wanted))
    cosines = [float(row @ wanted / length) if length else 0.0 for row, length in zip(known, lengths, strict=True)]
    found = story.runs[0].neighbours
    assert len(found) == 8
    best = sorted(cosines, reverse=True)[:8]
    np.testing.assert_allclose([near.similarity for near in found], best, atol=2e-3)  # kept as float16
    places = {str(image_id): row for row, image_id in enumerate(splits.train.ids)}
    np.testing.assert_allclose([cosines[places[near.image_id]] for near in found], best, atol=2e-3)
    for near in found:
        np.testing.assert_array_equal(near.image, splits.train.images[places[near.image_id]])
        assert near.label == splits.train.labels[places[near.image_id]]


def test_features_are_computed_once_and_again_for_another_model(story, runs, splits, monkeypatch):
    def refuse(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(neighbours, "compute_logits", refuse)
    kept = neighbours.training_features(runs[0], None, splits.train)
    assert kept.dtype == np.float16
    assert kept.shape == (len(splits.train), 16)
    for changed in ({"about": np.array("another"), "features": kept}, {"features": kept}):
        np.savez(runs[0].features_file, **changed)
        with pytest.raises(AssertionError, match="computed again"):
            neighbours.training_features(runs[0], None, splits.train)
    runs[0].features_file.unlink()


def test_nearest_by_hand():
    known = np.array([[1, 0], [0, 0], [3, 3], [0, 2], [2, 0]])
    rows, cosines = nearest(known, np.array([5.0, 0]), 4)
    assert rows.tolist() == [0, 4, 2, 1]
    np.testing.assert_allclose(cosines, [1, 1, np.sqrt(0.5), 0], atol=1e-6)
    assert nearest(known, np.zeros(2), 9)[1].tolist() == [0] * 5


def test_the_rank_of_a_label_by_hand():
    logits = np.log(np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.3, 0.7]], np.float32))
    predictions = Predictions(np.array(list("abcd")), np.array([0, 0, 0, 0]), logits, ("cat", "dog"))
    assert [rank_label(predictions, name).rank for name in "abcd"] == [4, 1, 2, 2]
    assert rank_label(predictions, "b").self_confidence == pytest.approx(0.2)
    assert rank_label(predictions, "b").count == 4
    assert rank_label(predictions, "e") is None


def test_the_smallest_change_changes_the_class_and_stays_within_its_bound(runs, splits):
    model, image = load_model(runs[0]), splits.test.images[5]
    found = find_smallest_change(model, image)
    before = compute_logits(model, image[None])[0]
    after = np.asarray(model(found.image[None], training=False))[0]
    assert (int(before.argmax()), int(after.argmax())) == (found.before, found.after)
    assert found.before != found.after
    assert np.abs(found.image - image).max() == pytest.approx(found.grey_levels)
    rounded = compute_logits(model, np.rint(found.image)[None].astype(np.uint8))[0]
    assert (int(rounded.argmax()) != found.before) == found.survives_rounding
    assert find_smallest_change(model, image, largest=0.25) is None or found.grey_levels <= 0.25


def test_an_image_by_its_id_or_its_place(splits):
    chosen = str(splits.validation.ids[3])
    assert find_image(splits, chosen) == ("validation", 3)
    assert find_image(splits, "validation/3") == ("validation", 3)
    assert find_image(splits, "3") == ("test", 3)
    assert find_image(splits, "3", "train") == ("train", 3)
    with pytest.raises(CifarlabError, match=r"digits has \d+ test images, counted from 0. Received: test/99999"):
        find_image(splits, "test/99999")
    with pytest.raises(CifarlabError, match=r"no such image in digits: unknown image 'digits-9999'.*expected an id"):
        find_image(splits, "digits-9999")
    with pytest.raises(CifarlabError, match="unknown split"):
        find_image(splits, "3", "tset")


def test_runs_on_other_data_are_refused(runs, tmp_path, monkeypatch):
    with pytest.raises(CifarlabError, match="at least one run"):
        explain_image("test/0", [])
    monkeypatch.setattr(type(runs[0]), "data_name", property(lambda run: run.name))
    with pytest.raises(CifarlabError, match="different data, convnet-seed0 and dense"):
        explain_image("test/0", runs)


def test_a_difference_is_grey_where_nothing_changed():
    image = np.full((1, 3, 1), 100, np.uint8)
    shown = amplified_difference(np.array([100, 100.5, 99.5], np.float32).reshape(1, 3, 1), image)
    assert shown.ravel().tolist() == [128, 255, 0]
    assert amplified_difference(image.astype(np.float32), image).ravel().tolist() == [128] * 3


class Elements(HTMLParser):
    """Checks that every element is closed, and collects references."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.note(attrs)
        if tag not in {"meta", "link", "br", "img", "hr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.note(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def note(self, attrs):
        self.links += [value for name, value in attrs if name in ("href", "src")]
        self.ids += [value for name, value in attrs if name == "id"]


def test_the_page_is_self_contained_and_well_formed(story, tmp_path):
    path = write_image_page(dataclasses.replace(story, image_id="<odd> & id"), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    elements = Elements(text)
    assert elements.open == []
    assert all(link.startswith(("#", "data:")) for link in elements.links)
    plain = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", text)  # any letters may meet there
    assert "http" not in plain.replace("http-equiv", "")
    assert "<script" not in text
    assert "<odd>" not in text
    assert len(elements.ids) == len(set(elements.ids))
    assert {link[1:] for link in elements.links if link.startswith("#")} <= set(elements.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(elements.ids)
    assert text.count('class="read"') == 7
    assert "test images are not used in training" in text
    assert len(text) < 500_000


def test_a_map_without_a_place_is_explained_in_words(story, tmp_path):
    assert "No pixel raises the logit of" not in write_image_page(story, tmp_path / "page.html").read_text(
        encoding="utf-8"
    )
    (first, *others) = story.runs[1].saliency
    empty = dataclasses.replace(first, heat=np.zeros_like(first.heat))
    run = dataclasses.replace(story.runs[1], saliency=[empty, *others])
    page = write_image_page(dataclasses.replace(story, runs=[run]), tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"No pixel raises the logit of {story.class_names[first.label]}" in page
    assert "by the Grad-CAM map" in page


def test_the_command_writes_a_page_and_prints_a_table_or_json(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(console, "PLAIN_LINE_SECONDS", 600)  # on a busy machine it would be announced
    places = [str(run.path) for run in runs]
    page = tmp_path / "page.html"
    assert cli.main(["image", "train/7", "--runs", *places, "--output", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"] == str(page)
    assert [run["run"] for run in told["runs"]] == ["dense", "convnet-seed0"]
    assert told["runs"][0]["history"]["split"] == "train"
    assert len(told["runs"][0]["history"]["losses"]) == 3
    assert {type(each) for each in told["runs"][0]["history"]["right"]} == {bool}
    assert "forgotten" in page.read_text(encoding="utf-8")
    assert cli.main(["image", told["image"], "--runs", places[0]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(runs[0].image_file(told["image"]))
    assert runs[0].image_file(told["image"]).is_file()
    monkeypatch.setattr(console, "PLAIN_LINE_SECONDS", 0)  # nothing is announced before the image is known
    assert cli.main(["image", "nonsense", "--runs", places[0]]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cifarlab: no such image in digits: ")


def test_a_copy_of_a_training_image_and_predictions_of_an_earlier_model_are_told(runs, splits, tmp_path, monkeypatch):
    run = Run(shutil.copytree(runs[0].path, tmp_path / "own"))
    evaluate(run)
    scores = run.predictions("test")
    origin = dataclasses.replace(scores.origin, model_checksum="crc32:1")
    dataclasses.replace(scores, origin=origin).save(run.predictions_file("test"))
    looks = len(run.looks())
    leaked = splits.test.images.copy()
    leaked[5] = splits.train.images[0]
    mixed = dataclasses.replace(splits, test=dataclasses.replace(splits.test, images=leaked))
    monkeypatch.setattr("cifarlab.datasets.load_data", lambda *_, **__: mixed)
    (told,) = explain_image(str(splits.test.ids[5]), [run]).runs
    assert told.label_rank is None
    assert "is of an earlier model" in told.notices[0]
    assert told.notices[1] == "own was trained on a copy of this image: its prediction is no test."
    assert len(run.looks()) == looks + 1
