"""Label errors found in invented predictions with planted errors, and what must belong together."""

import csv
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import average_precision_score

from cifarlab.cli.tables.doubts import print_doubts
from cifarlab.evaluation import label_errors
from cifarlab.evaluation.label_errors import examine_labels, rank_labels
from cifarlab.evaluation.out_of_sample import OutOfSampleProbabilities, join_folds, learning_losses, pool_runs
from cifarlab.runs.predictions import Predictions
from cifarlab.runs.training_dynamics import Curves, Dynamics
from cifarlab.utils.errors import CifarlabError

NAMES = tuple(f"class {number}" for number in range(10))


def invent(count=2000, seed=0, skill=6.0, flipped=0.05):
    """Predictions that know the truth well, and labels of which some were flipped: `(predictions, planted)`."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 10, count)
    logits = rng.normal(size=(count, 10)) * 1.5
    logits[np.arange(count), truth] += skill
    planted = rng.random(count) < flipped
    labels = np.where(planted, (truth + rng.integers(1, 10, count)) % 10, truth).astype(np.int64)
    ids = np.array([f"test-{number:05d}" for number in range(count)])
    return Predictions(ids, labels, logits.astype(np.float32), NAMES), planted


@pytest.mark.parametrize("score", ["self_confidence", "normalized_margin"])
def test_planted_errors_are_found(score):
    pytest.importorskip("cleanlab", reason="needs cifarlab[audit]")
    predictions, planted = invent()
    found = rank_labels(pool_runs([predictions]), score)
    quality = np.empty(len(planted))
    quality[[doubt.row for doubt in found]] = [doubt.score for doubt in found]
    assert average_precision_score(planted, -quality) >= 0.85
    issues = np.zeros(len(planted), bool)
    issues[[doubt.row for doubt in found if doubt.is_issue]] = True
    assert issues[planted].mean() > 0.8
    assert issues[~planted].mean() < 0.01
    first = found[0]
    assert first.given == NAMES[predictions.labels[first.row]]
    assert first.suggested == NAMES[predictions.predicted[first.row]]
    assert [doubt.score for doubt in found] == sorted(doubt.score for doubt in found)
    if score == "self_confidence":
        assert first.score == pytest.approx(first.given_probability)


def test_without_cleanlab_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(CifarlabError, match=r"cifarlab\[audit\]"):
        rank_labels(pool_runs([invent(20)[0]]))


def test_one_run_is_as_it_is_and_two_are_the_same_in_any_order():
    first, _ = invent(300, skill=2.0)
    np.testing.assert_array_equal(pool_runs([first]).probabilities, first.probabilities)
    second = Predictions(*_like(first, invent(300, seed=1, skill=2.0)[0].logits))
    shuffled = np.random.default_rng(0).permutation(300)
    found = pool_runs(
        [first, Predictions(second.ids[shuffled], second.labels[shuffled], second.logits[shuffled], NAMES)]
    )
    np.testing.assert_allclose(found.probabilities, pool_runs([first, second]).probabilities, atol=1e-6)
    np.testing.assert_array_equal(found.ids, first.ids)


def test_a_run_pooled_with_itself_is_scaled_by_the_temperature_that_fits_the_labels():
    one, _ = invent(300, skill=2.0)

    def loss(scale):  # the exponent of each is half of it, and has a unit normal prior around one half
        logs = log_softmax(scale * one.logits.astype(float), axis=1)
        return 2 * (scale / 2 - 0.5) ** 2 / 2 - logs[np.arange(300), one.labels].sum()

    scale = minimize_scalar(loss, bounds=(0, 5), method="bounded").x
    expected = softmax(scale * one.logits.astype(float), axis=1)
    np.testing.assert_allclose(pool_runs([one, one]).probabilities, expected, atol=1e-4)


def test_weak_models_hide_nothing_that_a_strong_one_finds():
    strong, planted = invent(skill=6.0)
    weak = [Predictions(*_like(strong, invent(seed=seed, skill=0.0)[0].logits)) for seed in (1, 2)]

    def precision(probabilities):
        return average_precision_score(planted, -probabilities[np.arange(len(planted)), strong.labels])

    alone = precision(strong.probabilities)
    mean = precision(np.mean([each.probabilities for each in (strong, *weak)], axis=0))
    assert mean < alone - 0.01
    assert precision(pool_runs([strong, *weak]).probabilities) > alone - 0.005


def test_answers_that_are_all_right_give_no_boundless_exponents():
    labels = np.array([0, 1, 0, 1])
    sure = Predictions.of(labels, logits=np.where(np.eye(2)[labels] > 0, 4.0, 0.0))
    found = pool_runs([sure, sure]).probabilities
    assert 0.98 < found.max() < 1
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_runs_on_other_images_or_labels_are_refused():
    first, _ = invent(6)
    with pytest.raises(CifarlabError, match="same images"):
        pool_runs([first, invent(7)[0]])
    changed = Predictions(first.ids, (first.labels + 1) % 10, first.logits, NAMES)
    with pytest.raises(CifarlabError, match="other labels"):
        pool_runs([first, changed])


def test_folds_cover_every_image_once():
    whole, _ = invent(9)
    folds = [_part(whole, rows) for rows in ([0, 3, 6], [8, 1, 4], [5, 2, 7])]
    joined = join_folds(folds, whole.ids)
    assert isinstance(joined, OutOfSampleProbabilities)
    np.testing.assert_array_equal(joined.labels, whole.labels)
    np.testing.assert_array_equal(joined.probabilities.argmax(axis=1), whole.predicted)  # each fold's, sharper
    np.testing.assert_allclose(joined.probabilities.sum(axis=1), 1)
    with pytest.raises(CifarlabError, match="left out 6 of the 9"):
        join_folds(folds[:2], whole.ids)
    with pytest.raises(CifarlabError, match="3 images are left out by more of these 4 runs than others"):
        join_folds([*folds, folds[0]], whole.ids)


def test_several_trainings_in_folds_are_pooled_whatever_their_folds():
    first = invent(skill=2.0)[0]
    second = Predictions(*_like(first, invent(seed=1, skill=2.0)[0].logits))
    halves = [_part(first, np.arange(half, 2000, 2)) for half in (0, 1)]
    quarters = [_part(second, np.arange(quarter, 2000, 4)[::-1]) for quarter in range(4)]
    joined = join_folds([*halves, *quarters], first.ids)
    np.testing.assert_array_equal(joined.labels, first.labels)
    whole = pool_runs([first, second]).probabilities  # the exponents are fitted part by part, hence about the same
    assert np.abs(joined.probabilities - whole).mean() < 0.01
    with pytest.raises(CifarlabError, match="1,500 images are left out by more of these 5 runs than others"):
        join_folds([*halves, *quarters[:3]], first.ids)
    corrected = Predictions(second.ids, (second.labels + 1) % 10, second.logits, NAMES)
    with pytest.raises(CifarlabError, match="other labels"):
        join_folds([*halves, corrected], first.ids)


def test_a_page_and_a_csv_about_a_run(make_run, tmp_path, monkeypatch):
    monkeypatch.setattr(label_errors, "_import_cleanlab", lambda: (_Cleanlab, _Cleanlab))
    run = make_run(tmp_path, "one")
    findings = examine_labels([run])
    assert len(findings.ranking) == 120
    from cifarlab.cli.tables.doubts import print_doubts, summarise, write_csv
    from cifarlab.reports.label_errors import write_label_errors_page

    page = write_label_errors_page(findings, tmp_path / "page.html", top=5).read_text()
    assert page.count("<img") >= 5
    assert "data:image/png;base64," in page
    assert "http" not in page.replace("http-equiv", "")
    with write_csv(findings, tmp_path / "doubts.csv", top=7).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7
    assert rows[0]["id"] == findings.ranking[0].image_id
    assert float(rows[0]["score"]) == findings.ranking[0].score
    assert summarise(findings, 3, tmp_path / "page.html")["count"] == 120
    print_doubts(findings, 3, tmp_path / "page.html")


def test_predictions_with_tta_are_used_where_they_are_asked_for(make_run, tmp_path, monkeypatch):
    monkeypatch.setattr(label_errors, "_import_cleanlab", lambda: (_Cleanlab, _Cleanlab))
    run = make_run(tmp_path, "one")
    with pytest.raises(CifarlabError, match=r"predictions-test-tta-flip\.npz in it\): run .* --tta flip"):
        examine_labels([run], tta="flip")
    with pytest.raises(CifarlabError, match="unknown TTA 'flop': did you mean flip"):
        examine_labels([run], tta="flop")
    surer = replace(run.predictions("test"), logits=2 * run.predictions("test").logits)
    surer.save(run.predictions_file("test", tta="flip"))
    found = {each.image_id: each.given_probability for each in examine_labels([run], tta="flip").ranking}
    given = surer.probabilities[np.arange(len(surer)), surer.labels]
    np.testing.assert_allclose([found[image_id] for image_id in surer.ids], given)


def test_opinions_that_are_often_wrong_are_said_to_be(make_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(label_errors, "_import_cleanlab", lambda: (_Cleanlab, _Cleanlab))
    from cifarlab.cli.tables.doubts import print_doubts

    poor = examine_labels([make_run(tmp_path, "poor", skill=0.5)], duplicates=False)
    print_doubts(poor, 3, tmp_path / "page.html")
    assert f"agree with only {100 * poor.agreement:.1f} % of the labels" in capsys.readouterr().out
    assert poor.conflicts is None
    assert examine_labels([make_run(tmp_path, "good", skill=9.0)], duplicates=False).notices == []


def test_what_is_missing_is_said(make_run, tmp_path):
    run = make_run(tmp_path, "one")
    with pytest.raises(CifarlabError, match="no predictions on validation"):
        examine_labels([run], split="validation")
    with pytest.raises(CifarlabError, match="no predictions on validation"):
        examine_labels([run], split="train")
    with pytest.raises(CifarlabError, match="unknown score 'guess': known: self_confidence"):
        examine_labels([run], score="guess")


def test_losses_are_averaged_over_the_epochs_and_trainings_that_met_the_image():
    losses = np.array([[1.0, np.nan, np.nan], [3.0, 0.5, np.nan]], np.float16)
    noted = [_noted(["a", "b", "c"], losses), _noted(["d", "a", "elsewhere"], losses)]
    found = learning_losses(noted, np.array(["a", "b", "c", "d"]), np.ones(2))
    np.testing.assert_allclose(found, [(1 + 3 + 0.5) / 3, 0.5, np.nan, 2])
    found = learning_losses(noted, np.array(["a", "b", "c", "d"]), np.array([0.2, 0.0]))
    np.testing.assert_allclose(found, [2, 0.5, np.nan, np.nan])
    damaged = [_noted(["a", "b"], np.array([[np.inf, -np.inf]], np.float16))]
    assert learning_losses(damaged, np.array(["a", "b"]), np.ones(1)).tolist() == [65504, 0]


def test_how_a_label_was_learned_counts_as_much_as_its_probability():
    pytest.importorskip("cleanlab", reason="needs cifarlab[audit]")
    whole, _ = invent(40)
    predicted, losses = pool_runs([whole]), np.linspace(0, 2, 40)
    losses[7] = np.nan  # no training met it: its probability alone counts
    plain = {each.row: each.score for each in rank_labels(predicted)}
    found = rank_labels(predicted, "learned_confidence", losses)
    assert [each.score for each in found] == sorted(each.score for each in found)
    for each in found:
        expected = plain[each.row] if each.row == 7 else np.sqrt(plain[each.row] * np.exp(-losses[each.row]))
        assert each.score == pytest.approx(expected)


def test_training_images_are_ranked_by_how_they_were_learned_where_it_was_recorded(make_run, tmp_path, monkeypatch):
    monkeypatch.setattr(label_errors, "_import_cleanlab", lambda: (_Cleanlab, _Cleanlab))
    run = make_run(tmp_path, "one")
    with pytest.raises(CifarlabError, match="of training images, and these are test images: add --train"):
        examine_labels([run], score="learned_confidence")
    assert examine_labels([run], duplicates=False).score == "self_confidence"


class _Cleanlab:
    """Stands in where cleanlab is not installed: its self-confidence, and doubts below a half."""

    @staticmethod
    def get_label_quality_scores(labels, chances, method):
        return chances[np.arange(len(labels)), labels]

    @staticmethod
    def find_label_issues(labels, chances, n_jobs):
        return chances[np.arange(len(labels)), labels] < 0.5


def _like(other, logits):
    return other.ids, other.labels, logits, NAMES


def _noted(ids, losses):
    curves = Curves(np.array(ids), losses, np.zeros(losses.shape, bool))
    return Dynamics(curves, curves)


def _part(whole, rows):
    return Predictions(whole.ids[rows], whole.labels[rows], whole.logits[rows], NAMES)


def test_classes_of_too_few_images_are_not_counted_and_named():
    pytest.importorskip("cleanlab", reason="needs cifarlab[audit]")
    rng = np.random.default_rng(0)
    labels = np.array([0, 1] * 20 + [2] * 4, np.int64)  # class 2 has four images, class 3 none
    chances = rng.dirichlet(np.ones(4), len(labels))
    ids = np.array([f"test-{number:05d}" for number in range(len(labels))])
    found = rank_labels(OutOfSampleProbabilities(ids, labels, chances, ("a", "b", "c", "d")))
    issues = [doubt for doubt in found if doubt.is_issue]
    assert issues
    assert {doubt.given for doubt in issues} | {doubt.suggested for doubt in issues} == {"a", "b"}
    findings = label_errors.Findings(("r",), "made", "test", "self_confidence", found, 0.95, None, None, ("c", "d"))
    few = "2 classes have fewer than 5 images, too few to count wrong labels among: c, d."
    assert findings.notices == [f"{few} For those that were trained on: train with --folds, and give --train."]
    assert replace(findings, split="train").notices == [few]
    assert all(doubt.given != doubt.suggested for doubt in findings.listed)
    assert len(findings.listed) < len(findings.ranking)


def test_the_table_marks_what_its_headline_counts(tmp_path, capsys):
    made = [
        label_errors.LabelQuality(row, f"test-{row}", "cat", "dog", 0.1 * row, 0.1, 0.9, is_issue=row in (1, 2))
        for row in range(4)
    ]
    findings = label_errors.Findings(("r",), "made", "test", "self_confidence", made, 0.95, [], None)
    print_doubts(findings, 2, tmp_path / "page.html")
    shown = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[-1] for line in shown.splitlines() if line.startswith("test-")}
    assert lines == {"test-0": "no", "test-1": "yes"}
    assert "2 of 4 labels in the test images of made are counted as wrong" in shown
    assert "1 of the 2 counted as wrong is above" in shown
