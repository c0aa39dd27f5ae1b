from pathlib import Path

import pytest

from cifarlab.cli.main import main
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand


def test_a_home_folder_is_put_in(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/data") == tmp_path / "data"
    assert expand(Path("data/~x")) == Path("data/~x")


def test_a_home_that_is_not_there_is_one_line(capsys):
    line = r"~no-such-user/x: there is no such home folder; write the path without ~"
    with pytest.raises(CifarlabError, match=line):
        expand("~no-such-user/x")
    assert main(["data", "--data", "folder:~no-such-user/x"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
