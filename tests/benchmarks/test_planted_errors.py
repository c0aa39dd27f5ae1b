import numpy as np
import pytest

from cifarlab.datasets import ImageSet
from cifarlab.evaluation.label_errors import Findings, LabelQuality
from cifarlab.runs.training_dynamics import Curves, Dynamics

NAMES = ("cat", "dog", "frog")


@pytest.fixture
def planted_labels(load_benchmark):
    return load_benchmark("planted_labels")


@pytest.fixture
def planted_errors(load_benchmark):
    return load_benchmark("planted_errors")


def test_five_in_a_hundred_labels_become_another_class_always_the_same_ones(planted_labels):
    labels = np.arange(2000) % 10
    changed = planted_labels.planted(labels, 10)
    assert (changed != labels).sum() == 100
    assert set(changed.tolist()) <= set(range(10))
    assert len(set(((changed - labels) % 10)[changed != labels].tolist())) == 9  # every other class occurs
    np.testing.assert_array_equal(changed, planted_labels.planted(labels, 10))


def test_the_judge_knows_which_labels_are_wrong_in_the_order_of_the_doubts(planted_errors):
    truth = ImageSet(np.zeros((3, 2, 2, 3), np.uint8), np.array([0, 1, 2]), np.array(["a", "b", "c"]), NAMES)
    doubts = [
        LabelQuality(1, "b", "frog", "dog", 0.1, 0.1, 0.9, True),  # planted: it is a dog
        LabelQuality(0, "a", "cat", "frog", 0.3, 0.3, 0.5, False),
        LabelQuality(2, "c", "frog", "frog", 0.9, 0.9, 0.9, False),
    ]
    findings = Findings(("run",), "data", "train", "self_confidence", doubts, 0.7, None, truth)
    wrong, doubt = planted_errors.wrong_and_doubt(findings, truth)
    assert wrong.tolist() == [True, False, False]
    np.testing.assert_allclose(doubt, [0.9, 0.7, 0.1])


def test_a_recorder_that_does_nothing_can_do_all_that_a_recorder_can(load_benchmark):
    from cifarlab.training.dynamics_recorder import Recorder

    asked = {name for name in vars(Recorder) if not name.startswith("_")}
    assert asked <= set(vars(load_benchmark("recording").Nothing))


def test_five_in_a_hundred_labels_become_the_similar_class(load_benchmark):
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    labels = np.arange(2000) % 10
    changed = load_benchmark("planted_similar").planted(labels, names)
    pairs = {(names[old], names[new]) for old, new in zip(labels, changed, strict=True) if old != new}
    assert (changed != labels).sum() == 100
    assert pairs == {("truck", "automobile"), ("bird", "airplane"), ("deer", "horse"), ("cat", "dog"), ("dog", "cat")}


def test_runs_are_gathered_by_training(planted_errors):
    class Named:
        def __init__(self, name):
            self.name = name

    names = ["convnet94-fold0-seed0", "convnet94-fold1-seed0", "convnet94-fold0-seed1", "mlp2-fold10-seed0"]
    found = planted_errors.trainings([Named(name) for name in names])
    assert [len(found[name]) for name in ("convnet94-seed0", "convnet94-seed1", "mlp2-seed0")] == [2, 1, 1]


def test_mean_ranks_by_hand(planted_errors):
    found = planted_errors.ranks([np.array([0.1, 0.9, 0.5]), np.array([0.3, 0.2, 0.1])])
    np.testing.assert_allclose(found, [2, 2.5, 1.5])


def test_an_image_that_was_never_learned_counts_as_forgotten_most(planted_errors):
    correct = np.array([[True, False, True], [False, False, True], [True, False, True]])
    curves = Curves(np.array(["b", "a", "c"]), np.ones((3, 3), np.float16), correct)
    found = planted_errors.forgotten([Dynamics(curves, curves)], np.array(["a", "b", "c"]))
    assert found.tolist() == [3, 1, 0]


def test_a_label_counts_as_wrong_where_fewer_than_three_of_five_people_confirmed_it(planted_errors):
    answers = [{"id": number, "mturk": {"given": given}} for number, given in ((2, 2), (0, 3), (12, 0))]
    ids = np.array(["test-00012", "test-00000", "test-00001", "test-00002"])
    assert planted_errors.not_confirmed(answers, ids).tolist() == [True, False, False, True]


def test_average_precision_has_an_interval_around_it(planted_errors):
    wrong = np.arange(200) < 20
    doubt = np.random.default_rng(1).normal(size=200) + 2 * wrong
    value, low, high = planted_errors.precision_interval(wrong, doubt)
    assert low < value < high
    assert planted_errors.precision_interval(wrong, wrong.astype(float)) == (1.0, 1.0, 1.0)
