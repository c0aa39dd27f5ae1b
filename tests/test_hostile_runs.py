"""SECURITY.md's contract: whoever opens a run from somebody else executes nothing that the run names or brings."""

import io
import itertools
import json
import re
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from PIL import Image

from cifarlab import cli, discover, files, own_code
from cifarlab.web.application import create_app
from cifarlab.web.routes.run import TABS
from cifarlab.web.sections import NAMES
from cifarlab.web.settings import Settings

# How each command is given a run, or a recipe that lies in one. A new command must say so here.
WORDS = {
    "calibrate": ("calibrate {run}",),
    "compare": ("compare {run} {other}",),
    "data": (),  # its data set is named by the user
    "demo": (),  # opens nothing
    "doubts": ("doubts {run} --no-duplicates", "doubts {run} --split validation"),
    "evaluate": ("evaluate {run}", "evaluate {run} --split validation", "evaluate {run} --data digits"),
    "explore": (),  # as data
    "image": ("image test/3 --runs {run}", "image train/3 --runs {run} {other}"),
    "ladder": ("ladder smoke --runs-dir {runs}", "ladder {run}/recipe.json --runs-dir {runs}"),
    "permutation": ("permutation {run}/recipe.json --set epochs=1", "permutation {run}/recipe.json --split test"),
    "predict": ("predict {picture} --model {run}", "predict {picture} --model {run} --tta flip"),
    "recipes": ("recipes {run}/evil.py",),
    "report": ("report {run}", "report {run} {other} --stories 1"),
    "robustness": ("robustness {run} --corruptions fog --severities 1 --limit 5 --attacks none",),
    "serve": (),  # its routes are walked below
    "train": (
        "train {run}/recipe.json --epochs 1",
        "train {run}/recipe.json --epochs 1 --set model=mlp",
        "train {run}/recipe.json --epochs 1 --data digits",
        "train --resume {run}",
    ),
}


def _name_data(run, code):
    change(run.data_file, name=code)


def _name_data_of_recipe(run, code):
    change(run.data_file, name=code)
    change(run.recipe_file, data=code)


def _name_model(run, code):
    change(run.recipe_file, model=code, model_args={})


def _need_layers(run, code):
    _name_model(run, code)
    _edit_config(run, {"class_name": "Evil", "registered_name": "evil>Evil", "module": "evil", "config": {"name": "e"}})


def _bring_lambda(run, code):
    import keras

    source = str((run.path / "executed").resolve())
    function = eval(f"lambda x: (__import__('pathlib').Path({source!r}).touch(), x)[1]")
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.add(keras.layers.Lambda(function))
    model.save(run.model_file)
    (run.path / "executed").unlink(missing_ok=True)  # building it has called it


def _pickle_arrays(run, code):
    for name in ("predictions-test.npz", "predictions-validation.npz", "dynamics.npz", "checkpoint.npz"):
        np.savez(run.path / name, ids=np.array([Bomb(run.path / "executed")], object), logits=np.zeros((1, 10)))


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


HOSTILE = (_name_data, _name_data_of_recipe, _name_model, _need_layers, _bring_lambda, _pickle_arrays)


def change(path, **values):
    files.write_json(path, {**json.loads(path.read_text()), **values})


def _edit_config(run, layer):
    import keras

    inputs = keras.Input((32, 32, 3))
    keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(inputs))).save(run.model_file)
    with zipfile.ZipFile(run.model_file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    config["config"]["layers"][1].update(layer)
    content["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(run.model_file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


@pytest.fixture(params=HOSTILE, ids=lambda poison: poison.__name__.strip("_"))
def hostile(request, tmp_path, monkeypatch, make_run):
    """A run folder from somebody else, and one of the user's own beside it."""
    monkeypatch.chdir(tmp_path)
    run = make_run(Path("runs"), "theirs")
    make_run(Path("runs"), "mine")
    code = run.path / "evil.py"
    code.write_text(f"import pathlib\npathlib.Path({str((run.path / 'executed').resolve())!r}).touch()\n")
    _edit_config(run, {})
    np.savez(run.checkpoint_file, notes="{}")
    request.param(run, str(code))
    if request.param is not _pickle_arrays:
        run.set_state("finished")
    return run


def executed() -> list[Path]:
    return sorted(Path().rglob("executed"))


def test_the_poison_works(hostile):
    """Named by the user, the code of these runs does what is looked for below."""
    if (hostile.path / "evil.py").is_file():
        own_code.allow(str(hostile.path / "evil.py"))
        discover.load("models", str(hostile.path / "evil.py"))
        assert executed()


def test_every_command_says_how_it_opens_a_run():
    assert list(WORDS) == discover.names("commands")


def test_no_command_executes_what_a_run_names(hostile, capsys):
    Image.new("RGB", (40, 40), "red").save("picture.png")
    places = {"run": "runs/theirs", "other": "runs/mine", "runs": "runs", "picture": "picture.png"}
    for words in itertools.chain(*WORDS.values()):
        if "--resume" in words:
            hostile.set_state("stopped", "interrupted")
        code = cli.main(shlex.split(words.format(**places)))
        said = capsys.readouterr().err
        assert not executed(), words
        assert code in (0, 2), words
        assert "Traceback" not in said, words
        if "is Python code that a file names" in said:
            assert code == 2
            assert "--code" in said


PARTS = {
    "name": ["theirs", *NAMES],
    "run": ["theirs"],
    "id": ["theirs"],
    "tab": list(TABS),
    "slug": ["digits", "evil", "runs-theirs-evil-py"],
    "image_id": ["test-00003"],
    "version": ["1"],
    "kind": ["png"],
}
QUERY = {"run": ["theirs", "mine"], "runs": ["theirs", "mine"], "split": "test", "model": "theirs", "neighbours": "1"}


def test_no_route_executes_what_a_run_names(hostile):
    app = create_app(Settings(runs_dir=Path("runs"), data="digits"))
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(picture, "png")
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=True) as client:
        asked = 0
        for route in (each for each in _routes(app.routes)):
            names = re.findall(r"{(\w+)", route.path)
            for values in itertools.product(*(PARTS[name] for name in names)):
                path = re.sub(r"{(\w+)[^}]*}", "{}", route.path).format(*values)
                for method in route.methods:
                    if method == "POST":
                        answer = client.post(
                            path,
                            data={"model": "theirs", "neighbours": "1", "split": "test", "recipe": "smoke"},
                            files={"images": ("picture.png", picture.getvalue())},
                        )
                    else:
                        answer = client.get(path, params=QUERY)
                    asked += 1
                    assert not executed(), path
                    assert answer.status_code < 500, (path, answer.text[-500:])
        for job in app.state.jobs.all():
            job.process.wait(60)
        assert asked > 30
    assert not executed()


def _routes(routes):
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "routes"):
            yield from _routes(route.routes)
