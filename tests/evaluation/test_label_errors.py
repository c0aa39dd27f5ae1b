"""Label errors found in invented predictions with planted errors, and what must belong together."""

import csv
import sys

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cifarlab.cli.tables.doubts import print_doubts
from cifarlab.evaluation import label_errors
from cifarlab.evaluation.label_errors import examine_labels, rank_labels
from cifarlab.evaluation.out_of_sample import OutOfSampleProbabilities, average_runs, join_folds, learning_losses
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
    found = rank_labels(average_runs([predictions]), score)
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
        rank_labels(average_runs([invent(20)[0]]))


def test_the_mean_of_runs_by_hand_whatever_their_order():
    first, _ = invent(6)
    other = invent(6, seed=1)[0].logits
    shuffled = np.array([3, 0, 5, 1, 4, 2])
    second = Predictions(first.ids[shuffled], first.labels[shuffled], other[shuffled], NAMES)
    found = average_runs([first, second])
    aligned = Predictions(first.ids, first.labels, other, NAMES)
    np.testing.assert_allclose(found.probabilities, (first.probabilities + aligned.probabilities) / 2, atol=1e-12)
    np.testing.assert_array_equal(found.ids, first.ids)


def test_runs_on_other_images_or_labels_are_refused():
    first, _ = invent(6)
    with pytest.raises(CifarlabError, match="same images"):
        average_runs([first, invent(7)[0]])
    changed = Predictions(first.ids, (first.labels + 1) % 10, first.logits, NAMES)
    with pytest.raises(CifarlabError, match="other labels"):
        average_runs([first, changed])


def test_folds_cover_every_image_once():
    whole, _ = invent(9)
    folds = [_part(whole, rows) for rows in ([0, 3, 6], [8, 1, 4], [5, 2, 7])]
    joined = join_folds(folds, whole.ids)
    assert isinstance(joined, OutOfSampleProbabilities)
    np.testing.assert_array_equal(joined.labels, whole.labels)
    np.testing.assert_allclose(joined.probabilities, whole.probabilities, atol=1e-12)
    with pytest.raises(CifarlabError, match="left out 6 of the 9"):
        join_folds(folds[:2], whole.ids)
    with pytest.raises(CifarlabError, match="3 images are left out by more of these 4 runs than others"):
        join_folds([*folds, folds[0]], whole.ids)


def test_several_trainings_in_folds_are_averaged_whatever_their_folds():
    first, second = invent(8)[0], Predictions(*_like(invent(8)[0], invent(8, seed=1)[0].logits))
    halves = [_part(first, [0, 2, 4, 6]), _part(first, [7, 5, 3, 1])]
    quarters = [_part(second, [row, 7 - row]) for row in range(4)]
    joined = join_folds([*halves, *quarters], first.ids)
    np.testing.assert_array_equal(joined.labels, first.labels)
    np.testing.assert_allclose(joined.probabilities, (first.probabilities + second.probabilities) / 2, atol=1e-12)
    with pytest.raises(CifarlabError, match="6 images are left out by more of these 5 runs than others"):
        join_folds([*halves, *quarters[:3]], first.ids)
    corrected = Predictions(second.ids[:4], (second.labels[:4] + 1) % 10, second.logits[:4], NAMES)
    with pytest.raises(CifarlabError, match="other labels"):
        join_folds([*halves, corrected, _part(second, [4, 5, 6, 7])], first.ids)


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
    found = learning_losses(noted, np.array(["a", "b", "c", "d"]))
    np.testing.assert_allclose(found, [(1 + 3 + 0.5) / 3, 0.5, np.nan, 2])


def test_how_a_label_was_learned_counts_as_much_as_its_probability():
    pytest.importorskip("cleanlab", reason="needs cifarlab[audit]")
    whole, _ = invent(40)
    predicted, losses = average_runs([whole]), np.linspace(0, 2, 40)
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
    assert findings.notices == ["2 classes have fewer than 5 images, too few to count wrong labels among: c, d."]
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
