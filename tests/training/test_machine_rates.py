"""When the machine is measured, in which ways, and what is kept."""

import contextlib
import json
import subprocess
import sys

import pytest

from cifarlab import CifarlabError, Recipe
from cifarlab.cli import main as cli
from cifarlab.training import machine_rates
from cifarlab.training.step_rate import prepare_steps
from cifarlab.utils import locks
from cifarlab.utils.environment import versions
from cifarlab.utils.machine import choices, kernels
from cifarlab.utils.machine.choices import Choice
from cifarlab.utils.machine.processor import Processor
from cifarlab.utils.machine.rates import Rates, write_rates

ON, OFF = {"TF_ENABLE_ONEDNN_OPTS": "1"}, {"TF_ENABLE_ONEDNN_OPTS": "0"}
ARM = Processor("ARM Neoverse N2", "aarch64", ("asimd", "sve", "bf16"))


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """The ways that were measured, which takes no time here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(machine_rates, "find_backend", lambda: "tensorflow")
    ways = []

    def measure_apart(backend, variables):
        ways.append(dict(variables))
        images = 200.0 if variables == ON else 100.0
        return Rates(dict(variables), {"float32": 6e10}, {"float32": images, "bfloat16": 1.5 * images})

    monkeypatch.setattr(machine_rates, "_measure_apart", measure_apart)
    return ways


def test_each_way_is_measured_once_and_again_if_asked(measured):
    rates = machine_rates.measure()
    assert [each.variables for each in rates] == measured == [ON, OFF]
    assert machine_rates.measure() == rates
    assert len(measured) == 2
    machine_rates.measure(again=True)
    assert len(measured) == 4


def test_one_way_is_measured_and_the_other_added(measured):
    machine_rates.measure([ON])
    machine_rates.measure()
    assert measured == [ON, OFF]


def test_nobody_else_measures_meanwhile(measured, monkeypatch, tmp_path):
    def measure_apart(backend, variables):
        (lock,) = tmp_path.glob("cifarlab/*.lock")
        with (
            pytest.raises(locks.BusyError, match="this machine is being measured"),
            locks.hold(lock, "this machine is being measured", ""),
        ):
            pass
        measured.append(variables)
        return Rates(dict(variables), {"float32": 6e10}, {})

    monkeypatch.setattr(machine_rates, "_measure_apart", measure_apart)
    machine_rates.measure()
    assert measured == [ON, OFF]


def test_what_another_process_measured_meanwhile_is_not_measured_again(measured, monkeypatch):
    @contextlib.contextmanager
    def wait(*_):
        write_rates(tuple(Rates(each, {"float32": 7e10}, {}) for each in (ON, OFF)), versions(), "tensorflow")
        yield

    monkeypatch.setattr(locks, "hold", wait)
    assert [each.matrix["float32"] for each in machine_rates.measure()] == [7e10, 7e10]
    assert measured == []


def test_where_nothing_can_be_kept_it_is_measured_all_the_same(measured, monkeypatch, tmp_path):
    (tmp_path / "cifarlab").write_text("a file, and no folder")
    assert len(machine_rates.measure()) == len(measured) == 2


def test_nothing_is_measured_where_features_decide(measured, monkeypatch):
    monkeypatch.setattr(machine_rates, "explain_precision", lambda: Choice("precision", "float32", choices.KNOWN, ""))
    machine_rates.measure_what_is_open("auto")
    assert measured == []


def test_only_the_precision_is_measured_where_that_alone_is_open(measured, monkeypatch):
    monkeypatch.setattr(machine_rates, "explain_precision", lambda: Choice("precision", "float32", choices.OPEN, ""))
    monkeypatch.setattr(kernels, "in_force", lambda _: {**ON, "TF_NUM_INTRAOP_THREADS": "2"})
    machine_rates.measure_what_is_open("float32")
    assert measured == []
    told = []
    machine_rates.measure_what_is_open("auto", lambda what, share: told.append((what, share)))
    assert measured == [ON]
    assert told == [("TF_ENABLE_ONEDNN_OPTS=1", 0.0)]


def test_a_processor_whose_features_do_not_decide_is_measured_before_its_backend_is_loaded(measured, monkeypatch):
    monkeypatch.setattr(machine_rates, "read_processor", lambda: ARM)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(machine_rates, "choose_backend", lambda: "tensorflow")
    machine_rates.measure_what_is_open("float32")
    assert measured == [ON, OFF]


def test_a_machine_that_cannot_be_measured_trains_all_the_same(monkeypatch):
    monkeypatch.setattr(machine_rates, "explain_precision", lambda: Choice("precision", "float32", choices.OPEN, ""))
    machine_rates.measure_what_is_open("auto")  # tests measure nothing


@pytest.mark.parametrize(
    ("printed", "error"), [("", "no module named x"), ("{}", "it broke off"), ("[]", "it broke off")]
)
def test_a_process_that_fails_is_one_line(printed, error, monkeypatch, unmeasured):
    monkeypatch.undo()

    class Done:
        stdout, stderr, returncode = printed, error, 1

    monkeypatch.setattr(subprocess, "run", lambda *_, **__: Done)
    with pytest.raises(CifarlabError, match=error):
        machine_rates._measure_apart("tensorflow", ON)


def test_the_command_shows_all(measured, capsys, monkeypatch):
    assert cli.main(["machine", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["variables"] for each in found["rates"]] == [ON, OFF]
    assert [choice["setting"] for choice in found["choices"]][-1] == "precision"
    assert found["cores"] >= 1
    assert cli.main(["machine"]) == 0
    shown = capsys.readouterr().out
    for text in (found["processor"]["name"], "setting", "precision", "TF_ENABLE_ONEDNN_OPTS=0", "GFLOP/s"):
        assert text in shown


def test_steps_of_a_recipe_can_be_timed():
    take = prepare_steps(Recipe(model="mlp", model_args={"widths": (4,)}, batch_size=8))
    assert take(2) > 0
