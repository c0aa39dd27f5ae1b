"""Which images a page shows: every filter and order against a handful of answers worked out by hand."""

import dataclasses

import numpy as np
import pytest

from cifarlab.datasets import ImageSet, Source, Splits
from cifarlab.evaluation.out_of_sample import pool, pool_runs
from cifarlab.runs.predictions import Origin, Predictions
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.data_set import Collection
from cifarlab.web.pages.filters import (
    DataFilter,
    PredictionFilter,
    read_data_filter,
    read_page,
    read_prediction_filter,
    select_images,
    select_marked,
    select_predictions,
)
from cifarlab.web.pages.label_doubts import weigh_labels, why_unfit

NAMES = ("cat", "dog", "ship")
# Each row is right or wrong with a probability that can be read off.
CHANCES = np.array(
    [
        [0.90, 0.05, 0.05],  # cat, right, very sure
        [0.20, 0.70, 0.10],  # cat called dog
        [0.10, 0.60, 0.30],  # dog, right
        [0.50, 0.30, 0.20],  # dog called cat
        [0.98, 0.01, 0.01],  # ship called cat, very sure
        [0.10, 0.35, 0.55],  # ship, right, unsure
    ]
)
LABELS = np.array([0, 0, 1, 1, 2, 2])


def predictions(chances=CHANCES, labels=LABELS, ids=None):
    ids = np.array([f"test-{row}" for row in range(len(labels))]) if ids is None else ids
    return Predictions(ids, labels, np.log(chances).astype(np.float32), NAMES)


def rows(**chosen) -> list[int]:
    return select_predictions(predictions(), PredictionFilter(**chosen)).tolist()


def test_mistakes_come_by_loss():
    # Losses: -ln 0.2, -ln 0.3, -ln 0.01.
    assert rows() == [4, 1, 3]
    assert rows(order="-loss") == [3, 1, 4]


def test_orders_by_confidence():
    assert rows(order="confidence") == [4, 1, 3]
    assert rows(order="-confidence", shown="all") == [3, 5, 2, 1, 0, 4]
    assert rows(order="order", shown="all") == [0, 1, 2, 3, 4, 5]


def test_a_cell_of_the_confusion_matrix_is_exactly_its_images():
    made, labels = predictions(), predictions().labels
    for true in range(3):
        for said in range(3):
            chosen = select_predictions(made, PredictionFilter(shown="all", true=true, said=said))
            expected = np.flatnonzero((labels == true) & (CHANCES.argmax(axis=1) == said))
            assert sorted(chosen.tolist()) == expected.tolist()


def test_filters_by_confidence_keep_both_limits():
    assert rows(shown="all", least=0.55, most=0.7, order="order") == [1, 2, 5]
    assert rows(shown="right", least=0.6, order="order") == [0, 2]


def test_doubt_is_what_the_runs_pooled_do_not_believe():
    other = predictions(chances=np.roll(CHANCES, 1, axis=1))
    doubts = weigh_labels({"one": predictions(), "two": other})
    pooled = pool_runs([predictions(), other]).probabilities  # what `cifarlab doubts` ranks by
    np.testing.assert_allclose(doubts.doubt, 1 - pooled[np.arange(6), LABELS], atol=1e-6)
    np.testing.assert_array_equal(doubts.suggested, pooled.argmax(axis=1))
    chosen = select_predictions(predictions(), PredictionFilter(shown="all", doubt=0.6, order="doubt"), doubts)
    assert chosen.tolist() == [row for row in np.argsort(-doubts.doubt, kind="stable") if doubts.doubt[row] >= 0.6]


def test_runs_in_another_order_of_images_are_put_in_order():
    order = np.array([5, 3, 1, 0, 2, 4])
    ids = np.array([f"test-{row}" for row in range(6)])
    shuffled = predictions(CHANCES[order], LABELS[order], ids[order])
    both = weigh_labels({"one": predictions(), "two": shuffled})
    np.testing.assert_allclose(both.doubt, weigh_labels({"one": predictions(), "two": predictions()}).doubt, atol=1e-6)


def test_a_run_about_other_classes_has_no_opinion():
    others = dataclasses.replace(predictions(), class_names=("cat", "dog", "boat"))
    assert weigh_labels({"one": predictions(), "two": others}).runs == ("one",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"labels": (LABELS + 1) % 3}, "other labels of pets"),
        ({"ids": np.array([f"other-{row}" for row in range(6)])}, "other images than those of pets"),
        ({"class_names": ("cat", "dog", "boat")}, "other classes than those of pets"),
        ({"origin": Origin("x", "blake2b:other", np.zeros(6, bool))}, "other images than those of pets"),
    ],
)
def test_predictions_speak_of_the_labels_of_their_own_data_alone(changes, why):
    made = predictions()
    images = np.zeros((6, 2, 2, 1), np.uint8)
    test = ImageSet(images, made.labels, made.ids, NAMES)
    nothing = test.take(np.zeros(6, bool))
    pets = Collection("pets", "pets", Splits(nothing, nothing, test, Source("pets", "here", "made up")))
    told = why_unfit(dataclasses.replace(made, **changes), pets, "test")
    assert told == (f"its predictions are of {why}" if why else "")
    own = Origin("x", test.fingerprint, np.zeros(6, bool))
    assert why_unfit(dataclasses.replace(made, origin=own), pets, "test") == ""


def test_what_nobody_was_asked_about_is_no_doubt():
    doubts = weigh_labels({"one": predictions()})
    assert np.isnan(doubts.of(["test-0", "unknown"])).tolist() == [False, True]
    chosen = select_images(np.array([0, 0]), np.array(["unknown", "test-4"]), DataFilter(order="doubt"), doubts)
    assert chosen.tolist() == [1, 0]
    assert select_images(
        np.array([0, 0]), np.array(["unknown", "test-4"]), DataFilter(doubt=0.01), doubts
    ).tolist() == [1]


def test_folds_speak_each_of_the_images_that_it_left_out():
    ids = np.array([f"test-{row}" for row in range(6)])
    first = predictions(CHANCES[:4], LABELS[:4], ids[:4])
    second = predictions(np.roll(CHANCES, 1, axis=1)[3:], LABELS[3:], ids[3:])  # both left out the fourth
    joined = weigh_labels({"one": first, "two": second})
    pooled, _ = pool([first, second], ids, LABELS)
    np.testing.assert_allclose(joined.of(ids.tolist()), 1 - pooled[np.arange(6), LABELS], atol=1e-6)
    assert joined.runs == ("one", "two")
    assert np.isnan(joined.of(["elsewhere"])).all()


def test_images_only_one_of_two_runs_recognises():
    other = predictions(chances=CHANCES[:, [1, 0, 2]])  # cats and dogs the other way round
    right, theirs = (each.predicted == each.labels for each in (predictions(), other))
    for side, expected in (("gained", right & ~theirs), ("lost", ~right & theirs)):
        chosen = select_predictions(predictions(), PredictionFilter(shown="all", side=side), None, other)
        assert sorted(chosen.tolist()) == np.flatnonzero(expected).tolist()


def test_data_are_filtered_by_class_in_their_order():
    ids = np.array([f"test-{row}" for row in range(6)])
    assert select_images(LABELS, ids, DataFilter()).tolist() == [0, 1, 2, 3, 4, 5]
    assert select_images(LABELS, ids, DataFilter(label=1)).tolist() == [2, 3]
    assert select_images(LABELS, ids, DataFilter(doubt=0.5)).tolist() == []


def test_an_address_is_read():
    query = {"true": "cat", "said": "dog", "least": "25", "sort": "-confidence", "doubt": "12.5"}
    chosen = read_prediction_filter(query, NAMES)
    assert chosen == PredictionFilter("all", 0, 1, 0.25, 1.0, 0.125, "-confidence")
    assert read_prediction_filter({"true": "cat"}, NAMES).shown == "wrong"
    assert read_prediction_filter({}, NAMES) == PredictionFilter()
    assert read_data_filter({"class": "ship", "sort": "doubt"}, NAMES) == DataFilter(2, 0.0, "doubt")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"true": "cst"}, "did you mean cat"),
        ({"sort": "size"}, "unknown sort 'size'"),
        ({"least": "-1"}, "between 0 and 100"),
        ({"most": "many"}, "between 0 and 100"),
        ({"doubt": "nan"}, "between 0 and 100"),
        ({"shown": "some"}, "unknown shown 'some'"),
        ({"against": "other", "side": "both"}, "unknown side 'both'"),
    ],
)
def test_a_wrong_address_is_said_in_one_line(query, says):
    with pytest.raises(CifarlabError, match=says) as caught:
        read_prediction_filter(query, NAMES)
    assert "\n" not in str(caught.value)


def test_pages_are_counted():
    assert read_page({}, 0, 10) == (1, 1)
    assert read_page({"page": "3"}, 25, 10) == (3, 3)
    assert read_page({"page": "99"}, 25, 10) == (3, 3)
    assert read_page({"page": "0"}, 25, 10) == (1, 3)
    with pytest.raises(CifarlabError, match="whole number"):
        read_page({"page": "-1"}, 25, 10)


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [("unmarked", [3, 0]), ("marked", [2, 1]), ("keep", [2]), ("drop", [1]), ("relabel", []), ("unsure", [])],
)
def test_some_rows_by_their_marks_in_their_order(wanted, rows):
    ids = np.array(["a", "b", "c", "d", "e"])
    verdicts = {"b": "drop", "c": "keep", "e": "drop", "gone": "relabel"}
    assert select_marked(np.array([3, 2, 0, 1]), ids, wanted, verdicts).tolist() == rows
    everything = [3, 2, 0, 1] if wanted == "unmarked" else []
    assert select_marked(np.array([3, 2, 0, 1]), ids, wanted, {}).tolist() == everything
