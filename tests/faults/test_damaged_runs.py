"""What commands say of a run of which one file is damaged: one line."""

import pytest

from cifarlab.cli import main as cli

# Which commands read a file, so that what it holds comes to the surface.
COMMANDS = {
    "run.json": ("report {run}", "calibrate {run}"),
    "recipe.json": ("report {run}", "train {run}/recipe.json"),
    "data.json": ("report {run}", "doubts {run} --no-duplicates"),
    "environment.json": ("report {run}",),
    "command.txt": ("report {run}",),
    "history.csv": ("report {run}",),
    "looks.json": ("report {run}",),
    "scores.json": ("compare {run} {run}", "report {run}"),
    "robustness.json": ("report {run}",),
    "predictions-test.npz": ("doubts {run} --no-duplicates", "compare {run} {run}"),
    "dynamics.npz": ("report {run}",),
    "trained-images.npz": ("report {run}",),
    "model.keras": ("report {run}",),
}
# A report goes on without these, or finds nothing to say from what is left of them.
SPARED = ("command.txt", "environment.json", "dynamics.npz", "trained-images.npz", "model.keras", "looks.json")
WHOLLY = {
    "empty": b"",
    "cut off": b"PK\x03\x04\x14\0",
    "a list": b"[3]",
    "an object": b'{"format": 1, "split": 3, "state": [], "name": {}, "model": null}',
    "deep": b"[" * 5000,
    "digits": b'{"format": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_say_in_one_line_what_is_wrong(run, name, undrawn, without_figures, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for content in WHOLLY.values():
        (run.path / name).write_bytes(content)
        for command in COMMANDS[name]:
            code = cli.main(command.format(run=run.path).split())
            errors = capsys.readouterr().err
            assert code == 2 or (code == 0 and name in SPARED)
            if code == 2:
                assert errors.count("\n") == 1, errors
                assert errors.startswith("cifarlab: ")
