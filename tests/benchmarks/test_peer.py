"""Peers: what they print is read, and a script that is not known is refused."""

import re
import sys

import pytest

from cifarlab.utils.errors import CifarlabError

TABLE = """
----------------------------------------------------------------------------------
|  run     |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |
----------------------------------------------------------------------------------
|  warmup  |      0  |     0.1000  |   0.1000  |               |       30.0000  |
|          |   eval  |     0.1000  |   0.1000  |       0.1000  |       31.0000  |
----------------------------------------------------------------------------------
|       0  |      0  |     0.6500  |   0.6000  |               |        0.4000  |
|          |      1  |     0.9300  |   0.9350  |               |        2.4000  |
|          |   eval  |     0.9300  |   0.9350  |       0.9401  |        2.5900  |
----------------------------------------------------------------------------------
"""
ONLY_EVALUATIONS = """
|  warmup  |   eval  |     0.1111  |   0.0978  |       0.0963  |       40.5124  |
|       1  |   eval  |     0.9875  |   0.9314  |       0.9401  |        2.0133  |
Mean accuracy after 1 runs: 0.940100 | Mean time: 2.013260s
|       2  |   eval  |     0.9873  |   0.9346  |       0.9407  |        2.0150  |
"""


def test_the_adapters_own_lines_are_read():
    from _peer import PATTERN, PeerRun, compile_pattern, read_results

    lines = ["| eval | 0.93 |\n", "run 0: seconds 808.1200 accuracy 0.9395 (TTA) training-alone 790.0 single-view 0.93"]
    assert read_results(lines, compile_pattern(PATTERN)) == [PeerRun(808.12, 0.9395)]


def test_another_pattern_and_percentages():
    from _peer import PeerRun, compile_pattern, read_results

    pattern = compile_pattern(r"acc=(?P<accuracy>\S+) in (?P<seconds>\S+)s")
    assert read_results(["acc=93.95% in 12s", "x", "acc=94.1 in 11.5s"], pattern) == [
        PeerRun(12.0, pytest.approx(0.9395)),
        PeerRun(11.5, pytest.approx(0.941)),
    ]
    with pytest.raises(CifarlabError, match="must find numbers"):
        read_results(["acc=good in 12s"], pattern)
    with pytest.raises(CifarlabError, match="printed no line"):
        read_results(["nothing"], pattern)


@pytest.mark.parametrize(("text", "complaint"), [("(", "no regular expression"), (r"(?P<seconds>\d)", "accuracy")])
def test_a_useless_pattern_is_refused(text, complaint):
    from _peer import compile_pattern

    with pytest.raises(CifarlabError, match=complaint):
        compile_pattern(text)


def test_a_peer_is_run_and_its_failure_told(capfd):
    from _peer import PATTERN, PeerRun, compile_pattern, run_peer

    pattern = compile_pattern(PATTERN)
    assert run_peer(f"{sys.executable} -c \"print('seconds 2 accuracy 0.5')\"", pattern) == [PeerRun(2.0, 0.5)]
    assert "peer: seconds 2 accuracy 0.5" in capfd.readouterr().err
    with pytest.raises(CifarlabError, match="status 3: broken"):
        run_peer(f"{sys.executable} -c \"print('broken'); raise SystemExit(3)\"", pattern)
    with pytest.raises(CifarlabError, match="cannot start"):
        run_peer("no-such-program-anywhere", pattern)


def test_the_scripts_tables_are_read_without_their_warm_up():
    from _script import Result, described, read_table

    assert list(read_table(TABLE.splitlines())) == [Result(2.59, 0.9401, 2.4, 0.935)]
    first, second = read_table(ONLY_EVALUATIONS.splitlines())
    assert first == Result(2.0133, 0.9401, None, 0.9314)
    assert second.seconds == 2.015
    assert described(0, first) == "run 0: seconds 2.0133 accuracy 0.9401 (TTA) single-view 0.9314"


def test_what_the_adapter_prints_fits_the_default_pattern():
    from _peer import PATTERN, PeerRun, compile_pattern, read_results
    from _script import Result, described

    line = described(3, Result(812.5, 0.9395, 800.25, 0.93))
    assert read_results([line], compile_pattern(PATTERN)) == [PeerRun(812.5, 0.9395)]


def test_substitutions_are_made_or_refused():
    from _script import ScriptError, Substitution, changed

    substitutions = [Substitution("half()", "bfloat16()", 2), Substitution("range(200)", "range(3)")]
    assert changed("a.half(); b.half(); range(200)", substitutions) == "a.bfloat16(); b.bfloat16(); range(3)"
    with pytest.raises(ScriptError, match=re.escape("expected 'half()' 2 times in it, found it 1 times")):
        changed("a.half(); range(200)", substitutions)
    with pytest.raises(ScriptError, match="not known"):
        changed("a.half(); b.half(); range(100)", substitutions)


@pytest.mark.parametrize("program", ["airbench_on_cpu", "as_written"])
def test_an_unknown_script_is_one_line(program, tmp_path, monkeypatch, capsys):
    import importlib

    script = tmp_path / "other.py"
    script.write_text("print('something else')")
    monkeypatch.setattr(sys, "argv", [program, str(script), "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit, match="this version of the script is not known"):
        importlib.import_module(program).main()
    monkeypatch.setattr(sys, "argv", [program, str(tmp_path / "missing.py"), "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit, match="cannot read the script"):
        importlib.import_module(program).main()


def test_a_whole_script_is_changed_run_and_read(tmp_path, capfd):
    from _script import Substitution, run_script

    script = tmp_path / "record.py"
    rows = "|   {}  |  eval  | 1.0 | 0.5 | 0.6 | 9.5 |"
    script.write_text(f"for run in range(200):\n    print({rows!r}.format(run))\n")
    for name in ("train.pt", "test.pt"):
        (tmp_path / name).touch()
    run_script([Substitution("range(200)", "range(2)")], script, tmp_path, skip=1)
    printed = capfd.readouterr()
    assert printed.out == "run 1: seconds 9.5000 accuracy 0.6000 (TTA) single-view 0.5000\n"
    assert printed.err.count("eval") == 2
    assert script.read_text().count("range(200)") == 1  # the original is as it was
