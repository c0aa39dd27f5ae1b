"""Memory that runs out is one line, with a batch size that was tried."""

from typing import Any

import pytest

from cifarlab import CifarlabError, Recipe, open_run, training
from cifarlab.training import batch_sizes, fit
from cifarlab.training.engines import engine_class
from cifarlab.utils.memory import is_out_of_memory

RECIPE = Recipe(model="mlp", model_args={"widths": (8,)}, data="digits", epochs=2, batch_size=400, warmup_epochs=0)


class ResourceExhaustedError(Exception):
    """As TensorFlow names it."""


ERRORS = [
    MemoryError(),
    ResourceExhaustedError("OOM when allocating tensor"),
    RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 7 bytes"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 7 bytes"),
]


def limit(monkeypatch, images, error):
    """Let the steps of more images at once than so many fail; what was tried."""
    tried = []
    real: Any = engine_class()

    class Limited(real):
        def run(self, indices, pixels):
            tried.append(indices.shape[1])
            if indices.shape[1] > images:
                raise error
            return super().run(indices, pixels)

    monkeypatch.setattr(batch_sizes, "has_accelerator", lambda: True)  # the tries are made in this process
    for module in (fit, batch_sizes):
        monkeypatch.setattr(module, "engine_class", lambda: Limited)
    return tried


def test_the_batch_size_that_fits_is_measured(tmp_path, monkeypatch):
    tried = limit(monkeypatch, 5, ERRORS[1])
    with pytest.raises(CifarlabError) as caught:
        training.train(RECIPE, runs_dir=tmp_path, name="large", settings=["batch_size=16"], show=False, until=2)
    expected = "out of memory with batch_size 16; 4 fits, as 3 steps have shown: train again with --batch-size 4"
    assert str(caught.value) == expected
    assert tried == [16, 1, 1, 1, 2, 2, 2, 4, 4, 4, 8]
    state = open_run(tmp_path / "large").state
    assert (state["state"], state["why"]) == ("failed", expected)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_each_library_says_it_in_its_own_way(error):
    assert is_out_of_memory(error)


def test_where_nothing_fits_that_is_said(tmp_path, monkeypatch):
    tried = limit(monkeypatch, 0, MemoryError())
    with pytest.raises(
        CifarlabError, match=r"batch_size 400, and so it is with 1: the model or the data are too large"
    ):
        training.train(RECIPE, runs_dir=tmp_path, show=False, until=2)
    assert tried == [400, 1]


def test_another_error_on_trial_is_told(tmp_path, monkeypatch):
    limit(monkeypatch, 0, KeyError("a bug"))
    with pytest.raises(KeyError, match="a bug"):
        batch_sizes.find_fitting(RECIPE, training.preparation.load_splits(RECIPE, None))


@pytest.mark.parametrize("error", [CifarlabError("out of memory"), ValueError("shape"), OSError("out of memory")])
def test_what_says_no_such_thing_is_something_else(error):
    assert not is_out_of_memory(error)


@pytest.mark.thorough  # it loads Keras once more
def test_on_a_processor_another_process_tries():
    splits = training.preparation.load_splits(RECIPE, None)
    assert batch_sizes.find_fitting(RECIPE, splits) == 200


def test_what_could_not_be_tried_is_said(monkeypatch):
    monkeypatch.setattr(batch_sizes, "has_accelerator", lambda: False)
    monkeypatch.setattr(batch_sizes, "_PROGRAM", "raise SystemExit('no such thing')")
    said = batch_sizes.explain(RECIPE, training.preparation.load_splits(RECIPE, None))
    expected = (
        "out of memory with batch_size 400; which one fits could not be tried (no such thing): train again with a "
    )
    assert said == expected + "smaller --batch-size"


@pytest.mark.parametrize(("end", "size"), [("import os; os.kill(os.getpid(), 9)", 25), ("raise SystemExit(1)", 25)])
def test_a_process_that_is_ended_while_it_tries_has_told_what_fits(monkeypatch, end, size):
    monkeypatch.setattr(batch_sizes, "has_accelerator", lambda: False)
    monkeypatch.setattr(batch_sizes, "_PROGRAM", f"print('fits 12\\nfits 25', flush=True); {end}")
    assert batch_sizes.find_fitting(RECIPE, training.preparation.load_splits(RECIPE, None)) == size
