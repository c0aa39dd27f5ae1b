"""On how many devices a training computes: what is refused, what is recorded, and that it changes nothing."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cifarlab.displays.progress import TrainingDisplay
from cifarlab.recipes import load_recipe, to_dict
from cifarlab.runs import Run
from cifarlab.training import devices
from cifarlab.training.devices import choose_again, choose_devices, record_devices
from cifarlab.training.preparation import note_differences
from cifarlab.utils import files
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import unstamped

SCRIPT = Path(__file__).with_name("several_devices.py")
RECIPE = replace(load_recipe("smoke"), batch_size=100)
AUGMENTED = [
    *("translate_pixels=2", "rotate_degrees=5.0", "flip=random", "mixup_alpha=0.2", "cutmix_alpha=0.5"),
    *("brightness_factor=0.1", "contrast_factor=0.1", "cutout_pixels=3"),
]


@pytest.fixture
def four(monkeypatch):
    """A machine on which JAX sees four."""
    monkeypatch.setattr(devices, "_there", lambda: 4)
    monkeypatch.setattr(devices, "choose_backend", lambda: "jax")


@pytest.mark.parametrize(("wanted", "count"), [(None, 1), (1, 1), ("2", 2), (4, 4), ("all", 4)])
def test_a_number_or_all_of_them(four, wanted, count):
    assert choose_devices(wanted, RECIPE) == count


@pytest.mark.parametrize("wanted", ["0", "-1", "two", "", "1.5", 0, "²"])
def test_what_is_no_number_of_devices_is_refused(four, wanted):
    with pytest.raises(CifarlabError, match="--devices takes a number of at least 1, or all"):
        choose_devices(wanted, RECIPE)


def test_more_than_there_are_are_refused(four):
    with pytest.raises(CifarlabError, match=r"--devices 5: JAX sees 4 devices; .*device_count=5 makes 5"):
        choose_devices(5, RECIPE)


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
@pytest.mark.parametrize("wanted", ["2", "all"])
def test_backends_that_share_nothing_say_which_does(four, backend, wanted, monkeypatch):
    monkeypatch.setattr(devices, "choose_backend", lambda: backend)
    assert choose_devices("1", RECIPE) == 1
    with pytest.raises(CifarlabError, match=f"--devices {wanted} needs KERAS_BACKEND=jax: on {backend} "):
        choose_devices(wanted, RECIPE)


@pytest.mark.parametrize(("batch_size", "advice"), [(101, 100), (2, 4)])
def test_a_batch_that_cannot_be_divided_is_refused_with_one_that_can(four, batch_size, advice):
    with pytest.raises(CifarlabError, match=f"--batch-size {advice}$"):
        choose_devices("all", replace(RECIPE, batch_size=batch_size))


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path)
    files.write_json(made.recipe_file, to_dict(RECIPE))
    files.write_json(made.environment_file, {"backend": "jax"})
    made.write_history([{"epoch": 1}, {"epoch": 2}])
    return made


def test_one_device_is_not_worth_a_word(run):
    record_devices(run, 1)
    assert run.environment == {"backend": "jax"}


def test_a_resume_takes_as_many_as_before_and_says_so_where_it_takes_others(four, run):
    record_devices(run, 4)
    assert unstamped(run.environment) == {"backend": "jax", "devices": 4}
    assert choose_again(None, run) == 4
    record_devices(run, 4, again=True)
    assert "notices" not in run.environment
    record_devices(run, choose_again(2, run), again=True)
    assert run.environment["devices"] == 2
    assert run.environment["first_devices"] == 4  # what its first steps were taken on
    (notice,) = run.environment["notices"]
    assert notice.startswith("trained on 4 devices so far, and on 2 from epoch 3 on: ")
    console = Console(record=True, width=200)
    TrainingDisplay(console).start(RECIPE, run, 12, 3, 3)
    assert "on 2 devices\n" in (shown := console.export_text())
    assert notice in shown


def test_a_further_resume_forgets_no_notice(run, monkeypatch):
    record_devices(run, 4)
    record_devices(run, 2, again=True)
    (before,) = run.environment["notices"]
    monkeypatch.setattr("cifarlab.training.preparation.describe_environment", lambda: {})
    monkeypatch.setattr("cifarlab.utils.machine.kernels.differences", lambda *_: ["threads 1, was 2"])
    for _ in range(2):
        note_differences(run)
    assert run.environment["notices"] == [
        before,
        "the weights may differ from an uninterrupted training's: threads 1, was 2",
    ]


def test_where_there_are_not_so_many_any_more_the_way_on_is_said(run, monkeypatch):
    record_devices(run, 4)
    monkeypatch.setattr(devices, "_there", lambda: 1)
    monkeypatch.setattr(devices, "choose_backend", lambda: "jax")
    with pytest.raises(CifarlabError, match=r"was trained on 4 devices: --devices 4: .*or go on with one: --devices 1"):
        choose_again(None, run)
    assert choose_again("1", run) == 1


@pytest.mark.parametrize(
    "damage", [{"devices": 0}, {"devices": "4"}, {"devices": None}, {"devices": 1.5}, {"notices": 1}, {"notices": [1]}]
)
def test_a_damaged_record_is_refused(run, damage):
    files.write_json(run.environment_file, damage)
    with pytest.raises(CifarlabError, match=rf"environment\.json is damaged \({next(iter(damage))}.* expected "):
        choose_again(None, run)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "settings",
    [
        ["model.dropout=0.2"],
        # Batch statistics, whitening and neighbours that are mixed: of the whole batch. Plain gradient descent, since
        # Adam and Muon divide by a gradient's size, and so make much of the last digits of small ones.
        ["model=convnet", "model.widths=(8,8)", "optimizer=sgd", "learning_rate=0.01", "epochs=1", *AUGMENTED],
    ],
    ids=["dense", "convolutions"],
)
def test_four_virtual_devices_train_what_one_does(settings):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    command = [sys.executable, str(SCRIPT), *settings]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["equal"]
