"""The real program, started on a run's folder and asked over HTTP, as a browser does."""

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import numpy as np
import pytest

from cifarlab.runs import open_run
from cifarlab.training import resume, train
from cifarlab.training.launch import _epochs_between_pictures  # before other tests' fixtures replace it


class StopAfter:
    def __init__(self, epoch):
        self.last = epoch

    def start(self, *arguments): ...
    def step(self, *arguments): ...
    def finish(self, run): ...

    def epoch(self, row, is_best):
        if row["epoch"] == self.last:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    """Two runs: one trained straight through, one interrupted after two epochs and resumed."""
    folder = tmp_path_factory.mktemp("runs")
    settings = ["epochs=3", "data=digits"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cifarlab.training.launch._epochs_between_pictures", _epochs_between_pictures)
        train("smoke", settings=settings, runs_dir=folder, name="whole")
        changed = [*settings, "learning_rate=0.002"]
        with pytest.raises(KeyboardInterrupt):
            train("smoke", settings=changed, runs_dir=folder, name="resumed", show=StopAfter(2))
        resume(folder / "resumed")
    return folder


@pytest.fixture(scope="module")
def ask(runs_dir):
    """Asks the TensorBoard program, which has read everything before it answers."""
    once = ["--reload_task=blocking", "--reload_interval=0", "--load_fast=false"]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(runs_dir), "--port=0", *once]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_PROXY": "*"}) as program:
        lines = []
        for line in program.stderr:
            lines.append(line)
            if match := re.search(r"http://\S+?:(\d+)/", line):
                break
        else:
            pytest.fail("".join(lines))

        def get(path, body=None, **query):
            address = f"http://localhost:{match[1]}/data/{path}?{urllib.parse.urlencode(query)}"
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()

        yield get
        program.terminate()


def scalars(ask, run, tag):
    return {step: value for _, step, value in json.loads(ask("plugin/scalars/scalars", run=run, tag=tag))}


@pytest.mark.parametrize("name", ["whole", "resumed"])
@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("measure", ["loss", "accuracy"])
def test_one_measure_has_one_tag_in_training_and_validation(ask, runs_dir, name, split, measure):
    history = open_run(runs_dir / name).history()
    expected = {int(row["epoch"]): pytest.approx(row[f"{split}_{measure}"], rel=1e-5) for row in history}
    assert scalars(ask, f"{name}/{split}", f"epoch_{measure}") == expected
    assert len(expected) == 3


def test_the_names_of_runs_are_their_own(ask):
    assert set(json.loads(ask("runs"))) == {
        *("whole", "whole/train", "whole/validation"),
        *("resumed", "resumed/train", "resumed/validation"),
    }


def test_learning_rate_and_speed_are_told_once(ask, runs_dir):
    tags = json.loads(ask("plugin/scalars/tags"))
    assert set(tags["whole/validation"]) == {"epoch_loss", "epoch_accuracy"}
    assert set(tags["whole/train"]) == {
        *("epoch_loss", "epoch_accuracy", "epoch_lr"),
        *("epoch_throughput_images_per_second", "epoch_training_seconds"),
    }
    rates = [row["learning_rate"] for row in open_run(runs_dir / "whole").history()]
    assert list(scalars(ask, "whole/train", "epoch_lr").values()) == pytest.approx(rates, rel=1e-5)


def test_curves_come_before_pictures_and_pictures_before_histograms(ask):
    curves = json.loads(ask("plugin/scalars/tags"))["whole/train"]
    pictures = json.loads(ask("plugin/images/tags"))["whole/validation"]
    histograms = json.loads(ask("plugin/histograms/tags"))["whole/train"]
    assert set(pictures) == {"pictures/confusion_matrix", "pictures/sample_predictions"}
    assert sorted(curves)[:2] == ["epoch_accuracy", "epoch_loss"]
    assert max(curves) < min(pictures) < max(pictures) < min(histograms)


def test_a_picture_is_a_picture(ask):
    query = {"run": "whole/validation", "tag": "pictures/sample_predictions", "sample": 0}
    pictures = json.loads(ask("plugin/images/images", **query))
    assert [each["step"] for each in pictures] == [1, 2, 3]
    assert ask(f"plugin/images/individualImage?{pictures[0]['query']}&").startswith(b"\x89PNG")


def test_the_graph_is_that_of_the_saved_model(ask, runs_dir):
    assert json.loads(ask("plugin/graphs/info"))["whole/train"]["run_graph"]
    graph = ask("plugin/graphs/graph", run="whole/train", conceptual="false").decode()
    layers = re.findall(r'name: "([^"/]+)"', graph)
    from cifarlab.inference.prediction import load_model

    assert layers == [layer.name for layer in load_model(open_run(runs_dir / "whole")).layers]


def test_every_setting_is_a_column_beside_the_accuracy(ask, runs_dir):
    experiment = json.loads(ask("plugin/hparams/experiment", {"experimentName": ""}))
    columns = {each["name"] for each in experiment["hparamInfos"]}
    assert {"learning_rate", "model.widths", "epochs", "optimizer", "seed"} <= columns
    measures = [{"metric": each["name"]} for each in experiment["metricInfos"]]
    request = {"experimentName": "", "allowedStatuses": ["STATUS_SUCCESS"], "colParams": measures, "sliceSize": 10}
    request |= {"startIndex": 0}
    groups = json.loads(ask("plugin/hparams/session_groups", request))["sessionGroups"]
    rates = {group["sessions"][0]["name"]: group["hparams"]["learning_rate"] for group in groups}
    assert rates["resumed"] == pytest.approx(0.002)
    assert set(rates) == {"whole", "resumed"}
    for group in groups:
        run = group["sessions"][0]["name"]
        last = {
            (value["name"].get("group"), value["name"]["tag"]): value["value"]
            for value in group["sessions"][0]["metricValues"]
        }
        row = open_run(runs_dir / run).history()[-1]
        assert np.isclose(last["validation", "epoch_accuracy"], row["validation_accuracy"])
