"""The whole suite with a nearest-mean classifier in the network's place; and the numbers computed from its results."""

import dataclasses

import numpy as np
import pytest

from cifarlab.cli.tables.robustness import parse_list, parse_severities, print_robustness
from cifarlab.datasets import load_data
from cifarlab.evaluation.robustness import consistency, suite
from cifarlab.evaluation.robustness.corruptions import corrupt
from cifarlab.evaluation.robustness.results import (
    OURS,
    BaselineErrors,
    CorruptionResult,
    against_baseline,
    read_results,
    results_file,
)
from cifarlab.evaluation.robustness.suite import RobustnessSettings, measure_robustness
from cifarlab.metrics.statistics.intervals import Interval, wilson
from cifarlab.reports.page import open_page
from cifarlab.reports.sections import robustness
from cifarlab.runs.derived import StaleError, model_checksum
from cifarlab.runs.trained_images import remember_images
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.json_data import json_data


@pytest.fixture
def results(digits_run, nearest_mean):
    wanted = RobustnessSettings(severities=(5, 1), corruptions=["fog", "contrast", "spatter"], attacks=())
    return measure_robustness(digits_run, wanted)


def test_each_number_is_that_of_its_pictures(results, digits_run, nearest_mean):
    test = load_data("digits").test
    assert results.count == len(test)
    assert results.severities == (1, 5)
    hits = {}
    for name in ("fog", "contrast", "spatter"):
        for severity in (1, 5):
            said = nearest_mean(corrupt(test.images, name, severity)).argmax(axis=1)
            hits[name, severity] = said == test.labels
            found = results.corruptions[name].severities[str(severity)]
            assert found == wilson(int(hits[name, severity].sum()), len(test))
    assert not results.corruptions["spatter"].benchmark
    assert results.averaged == ("fog", "contrast")
    errors = [1 - hits[name, severity].mean() for name in ("fog", "contrast") for severity in (1, 5)]
    mean_error = results.mean_corruption_error
    assert mean_error.value == pytest.approx(np.mean(errors), abs=1e-12)
    assert mean_error.low < mean_error.value < mean_error.high
    assert results.source == OURS
    assert results.looks == digits_run.looks().__len__()
    assert results.file == "robustness.json"
    assert read_results(digits_run) == dataclasses.replace(results, file=None)


def test_no_measurement_is_lost_and_the_report_keeps_the_largest(digits_run, nearest_mean):
    few = RobustnessSettings(severities=(1, 5), corruptions=["fog", "frost"], attacks=(), limit=20)
    small = measure_robustness(digits_run, few)
    large = measure_robustness(digits_run, dataclasses.replace(few, limit=None))
    name = "robustness-20-images-severities-1-5-fog-frost.json"
    assert (small.file, large.file) == ("robustness.json", "robustness.json")
    assert files.read_json(digits_run.path / name)["clean"] == json_data(small.clean)
    again = measure_robustness(digits_run, few)
    assert again.file == name
    assert files.read_json(digits_run.path / name)["looks"] == again.looks
    fewer_sets = measure_robustness(digits_run, dataclasses.replace(few, limit=None, severities=(1,)))
    assert fewer_sets.file.startswith("robustness-")
    assert read_results(digits_run).severities == (1, 5)
    assert len(list(digits_run.path.glob("robustness*.json"))) == 3
    files.write_json(results_file(digits_run), {"format": 99})
    assert measure_robustness(digits_run, few).file == "robustness.json"


def test_the_table_says_where_a_smaller_measurement_is(results, capsys):
    print_robustness([results])
    assert "kept in" not in capsys.readouterr().out
    print_robustness([dataclasses.replace(results, file="robustness-20-images.json")])
    assert "kept in robustness-20-images.json: robustness.json has a larger measurement" in capsys.readouterr().out


def test_the_table_shows_limits_that_a_share_can_have(results, capsys):
    high = Interval(0.9, 0.699, 0.9721, "Wilson 95 %")
    corruption = dataclasses.replace(results.corruptions["fog"], severities={"1": high, "5": high})
    print_robustness([dataclasses.replace(results, corruptions={"fog": corruption})])
    shown = capsys.readouterr().out
    assert "69.9 to 97.2" in shown
    assert "±" not in shown


def test_a_mean_over_the_same_corruptions_is_shown_once(results, capsys):
    print_robustness([results])
    assert "mean error over all 3 corruptions" in capsys.readouterr().out
    alike = {name: found for name, found in results.corruptions.items() if found.benchmark}
    print_robustness([dataclasses.replace(results, corruptions=alike)])
    shown = capsys.readouterr().out
    assert "mean corruption error, 2 corruptions" in shown
    assert "mean error over all" not in shown


def test_consistency_counts_answers_that_stay(results, nearest_mean):
    images = load_data("digits").test.images
    said = nearest_mean(images).argmax(axis=1)
    mirrored = nearest_mean(np.ascontiguousarray(images[:, :, ::-1])).argmax(axis=1)
    assert results.consistency["flip"].value == (said == mirrored).mean()
    assert results.consistency["shift_2"].value < results.consistency["shift_1"].value


def test_shift_by_hand():
    picture = np.arange(9).reshape(1, 3, 3, 1)
    assert consistency.shift(picture, 1, 0)[0, :, :, 0].tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5]]
    assert consistency.shift(picture, 0, -2)[0, :, :, 0].tolist() == [[2, 2, 2], [5, 5, 5], [8, 8, 8]]
    assert sum(1 for each in consistency.variants(picture).values() for _ in each) == consistency.VARIANTS


def test_a_limit_keeps_each_images_own_corruption(digits_run, nearest_mean):
    shares = []
    wanted = RobustnessSettings(severities=(3,), corruptions=["shot_noise"], attacks=(), limit=40)
    results = measure_robustness(digits_run, wanted, progress=lambda phrase, share: shares.append(share))
    test = load_data("digits").test
    rows = np.sort(np.random.default_rng(0).permutation(len(test))[:40])
    made = corrupt(test.images, "shot_noise", 3)[rows]
    right = (nearest_mean(made).argmax(axis=1) == test.labels[rows]).mean()
    assert results.corruptions["shot_noise"].severities["3"].value == right
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_attacks_are_counted_on_the_attacked_images(digits_run, nearest_mean, monkeypatch):
    def blank(model, images, labels, how, *, seed):
        return np.zeros(images.shape, np.float32)

    monkeypatch.setattr(suite, "attack", blank)
    wanted = RobustnessSettings(severities=(1,), corruptions=["fog"], attacks=("fgsm",), attack_limit=50)
    first = measure_robustness(digits_run, wanted).attacks[0]
    assert first.count == 50
    assert first.label == "FGSM, L-inf, 1/255"
    assert first.accuracy.value < first.clean.value


def test_the_papers_errors_by_hand(results):
    def made(name, clean, fog, snow, severities=(1,)):
        corruptions = {each: CorruptionResult(True, error, {}) for each, error in (("fog", fog), ("snow", snow))}
        return dataclasses.replace(
            results,
            run=name,
            severities=severities,
            averaged=("fog", "snow"),
            clean=Interval(clean, None, None, ""),
            corruptions=corruptions,
        )

    found = against_baseline(made("b", 0.9, 0.3, 0.2), made("a", 0.8, 0.4, 0.5))
    assert found.baseline == "a"
    assert found.mean_corruption_error == pytest.approx((0.3 / 0.4 + 0.2 / 0.5) / 2)
    assert found.relative_mean_corruption_error == pytest.approx((0.2 / 0.2 + 0.1 / 0.3) / 2)
    assert against_baseline(made("b", 0.9, 0.3, 0.2), made("a", 0.6, 0.4, 0.5)).relative_mean_corruption_error is None
    with pytest.raises(CifarlabError, match="not measured alike"):
        against_baseline(made("b", 0.9, 0.3, 0.2), made("a", 0.9, 0.3, 0.2, severities=(2,)))


def test_the_table_says_whose_corruptions_they_are(results, capsys):
    entry = dataclasses.replace(results, against=BaselineErrors("a", 0.5, None))
    print_robustness([results, entry])
    shown = capsys.readouterr().out
    assert OURS in shown
    assert "mean corruption error, 2 corruptions" in shown
    assert "against a" in shown


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (RobustnessSettings(severities=(0,)), "severities are some of"),
        (RobustnessSettings(corruptions=["frog"]), "unknown corruption 'frog'"),
        (RobustnessSettings(attacks=("cw",)), "unknown attack 'cw'"),
        (RobustnessSettings(limit=0), "at least one image"),
        (RobustnessSettings(cifar101="/nowhere"), r"no CIFAR-10\.1"),
        (RobustnessSettings(cifar10c="/nowhere"), "no CIFAR-10-C"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_model_is_read(wanted, said, digits_run):
    with pytest.raises(CifarlabError, match=said):
        measure_robustness(digits_run, wanted)
    assert not results_file(digits_run).exists()


def test_other_peoples_classes_are_refused(digits_run, tmp_path):
    np.save(tmp_path / "cifar10.1_v6_data.npy", np.zeros((4, 32, 32, 3), np.uint8))
    np.save(tmp_path / "cifar10.1_v6_labels.npy", np.zeros(4, np.int64))
    with pytest.raises(CifarlabError, match="these files have CIFAR-10's"):
        measure_robustness(digits_run, RobustnessSettings(cifar101=str(tmp_path), attacks=()))


@pytest.mark.parametrize("damage", [{"format": 99}, {"clean": None}, {"corruptions": []}, {"attacks": [{}]}])
def test_damaged_results_are_said(damage, results, digits_run):
    files.write_json(results_file(digits_run), {**json_data(results), **damage})
    with pytest.raises(CifarlabError, match=r"is damaged|is of format 99"):
        read_results(digits_run)
    files.write_json(results_file(digits_run), [])
    with pytest.raises(CifarlabError, match="damaged"):
        read_results(digits_run)


def test_a_file_of_an_earlier_version_is_read(results, digits_run):
    newer = ("looks_in_making", "model_checksum", "images", "notices", "overlap")
    earlier = {key: value for key, value in json_data(results).items() if key not in newer}
    files.write_json(results_file(digits_run), earlier)
    found = read_results(digits_run)
    assert found.corruptions == results.corruptions
    assert found.model_checksum is None


def test_lists_of_words():
    assert parse_list("fog, snow,fog") == ("fog", "snow")
    assert parse_list("gaussian-noise") == ("gaussian_noise",)
    assert parse_list("none", nothing="none") == ()
    assert parse_severities("5,1") == (1, 5)
    with pytest.raises(CifarlabError, match="such as 1,3,5"):
        parse_severities("high")


def test_the_report_shows_the_section_only_where_it_was_measured(results, digits_run, make_run, tmp_path):
    assert OURS.replace("'", "&#39;") in robustness.build(open_page([digits_run]))
    assert robustness.build(open_page([make_run(tmp_path, "unmeasured")])) is None


def test_a_runs_folder_is_enough(digits_run, nearest_mean):
    wanted = RobustnessSettings(severities=(1,), corruptions=["fog"], attacks=(), limit=20)
    assert measure_robustness(str(digits_run.path), wanted).run == digits_run.name


def test_data_that_moved_are_looked_for_in_the_usual_places(digits_run, nearest_mean, tmp_path):
    files.write_json(digits_run.data_file, {**digits_run.data, "data_dir": str(tmp_path / "gone")})
    assert digits_run.data_dir is None
    wanted = RobustnessSettings(severities=(1,), corruptions=["fog"], attacks=(), limit=20)
    assert measure_robustness(digits_run, wanted).count == 20
    files.write_json(digits_run.data_file, {**digits_run.data, "data_dir": str(tmp_path)})
    assert digits_run.data_dir == str(tmp_path)


@pytest.mark.parametrize("text", ["", " , "])
def test_a_list_of_nothing_is_refused(text):
    with pytest.raises(CifarlabError, match="--attacks takes words with commas between them, or none"):
        parse_list(text, nothing="none", option="--attacks")
    assert parse_list(None) == ()


def test_a_measurement_of_an_earlier_model_is_refused_and_replaced_by_the_next(digits_run, nearest_mean):
    few = RobustnessSettings(severities=(1, 5), corruptions=["fog"], attacks=())
    whole = measure_robustness(digits_run, few)
    assert whole.model_checksum == model_checksum(digits_run)
    files.write_json(results_file(digits_run), {**json_data(whole), "model_checksum": "crc32:1"})
    with pytest.raises(StaleError, match=f"run cifarlab robustness {digits_run.path}$"):
        read_results(digits_run)
    assert measure_robustness(digits_run, dataclasses.replace(few, limit=20)).file == "robustness.json"
    assert read_results(digits_run).count == 20


def test_test_images_that_the_run_was_trained_on_are_counted(digits_run, nearest_mean):
    splits = load_data("digits")
    remember_images(digits_run, splits.test.take(np.arange(7)))
    results = measure_robustness(digits_run, RobustnessSettings(severities=(1,), corruptions=["fog"], attacks=()))
    assert (results.overlap.count, results.overlap.copies) == (7, 7)
    (notice,) = results.notices
    assert notice.startswith(f"7 of {len(splits.test)} test images are copies of training images")
