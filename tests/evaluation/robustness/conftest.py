import numpy as np
import pytest

from cifarlab.inference import forward as inference_forward
from cifarlab.inference import prediction
from cifarlab.utils import files


@pytest.fixture
def nearest_mean(monkeypatch):
    """Instead of a network: the class whose mean picture is nearest, in NumPy."""
    from cifarlab.datasets import load_data

    train = load_data("digits").train
    means = np.stack([train.images[train.labels == k].mean(axis=0).ravel() for k in range(10)])

    def forward(images):
        flat = images.reshape(len(images), -1).astype(np.float64)
        return (flat @ means.T - (means**2).sum(axis=1) / 2).astype(np.float32)

    monkeypatch.setattr(prediction, "load_model", lambda run: None)
    monkeypatch.setattr(prediction, "check_fits", lambda model, shape, classes: None)
    monkeypatch.setattr(inference_forward, "compile_forward", lambda model: forward)
    return forward


@pytest.fixture
def digits_run(make_run, tmp_path):
    run = make_run(tmp_path, "nearest")
    files.write_json(run.data_file, {**run.data, "class_names": [str(n) for n in range(10)]})
    return run
