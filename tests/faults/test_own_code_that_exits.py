"""Own code that ends the program: `sys.exit(0)` in it must not look as if all had gone well."""

import shlex
from pathlib import Path

import pytest

from cifarlab.cli import main as cli
from cifarlab.utils import discovery, own_code
from cifarlab.utils.errors import CifarlabError

ENDINGS = (
    "raise SystemExit",
    "import sys; sys.exit(0)",
    "import sys; sys.exit('all is well')",
    "exit()",
    "raise BaseException('mine')",
    "raise GeneratorExit",
    "class Own(BaseException): pass\nraise Own",
    "raise EOFError",
    "raise StopIteration",
    "raise RecursionError",
    "raise MemoryError",
)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_ending_at_import_is_said(tmp_path, ending):
    file = tmp_path / "mine.py"
    file.write_text(f"\n{ending}\n")
    own_code.allow(str(file))
    with pytest.raises(CifarlabError, match=r"cannot import .*mine\.py: line \d"):
        discovery.load("recipes", str(file))


def test_an_interrupt_is_the_users(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("raise KeyboardInterrupt")
    own_code.allow(str(file))
    with pytest.raises(KeyboardInterrupt):
        discovery.load("recipes", str(file))


@pytest.mark.parametrize("ending", ENDINGS[:3])
@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("train recipe.py", "{ending}"),
        ("explore own.py --output page", "def load(**_):\n    {ending}"),
        ("data own.py", "def load(**_):\n    {ending}"),
        ("train smoke --set model=own.py --data digits", "def build(*_):\n    {ending}"),
    ],
)
def test_no_command_ends_well_by_it(tmp_path, monkeypatch, capsys, command, text, ending):
    monkeypatch.chdir(tmp_path)
    for name in ("own.py", "recipe.py"):
        Path(name).write_text(text.format(ending=ending))
    assert cli.main(shlex.split(command)) == 2
    errors = capsys.readouterr().err.splitlines()
    assert errors[-1].startswith("cifarlab: ")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (SystemExit(0), "own code called sys.exit(0)"),
        (SystemExit("mine"), "own code called sys.exit('mine')"),
        (MemoryError(), "out of memory"),
        (EOFError("no data left in file"), "a file ends before its content does (no data left in file)"),
    ],
)
def test_the_door_itself_lets_none_pass(monkeypatch, capsys, raised, expected):
    def fail(_name):
        raise raised

    monkeypatch.setattr("cifarlab.recipes.recipe_source", fail)
    assert cli.main(["recipes", "mlp2"]) == 2
    assert capsys.readouterr().err.strip().startswith(f"cifarlab: {expected}")
