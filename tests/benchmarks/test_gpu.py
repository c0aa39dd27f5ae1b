"""The one command for a GPU: what it runs, and its table."""

import argparse
from pathlib import Path


def arguments(**changes):
    given = {"data_dir": Path("data"), "airbench94": Path("a94.py"), "airbench96": Path("a96.py"), "hiverge": None}
    given |= {"torch_python": "torch-python", "runs": 10, "rounds": 3, "tiny": False}
    return argparse.Namespace(**(given | changes))


def test_each_recipe_beside_each_peer_that_is_given():
    from gpu import comparisons

    assert [each.name for each in comparisons(arguments())] == [
        "convnet94-airbench94_muon",
        "convnet96-airbench96_faster",
    ]
    alone = comparisons(arguments(airbench94=None, airbench96=None))
    assert [each.name for each in alone] == ["convnet94", "convnet96"]
    assert [each.name for each in comparisons(arguments(tiny=True))] == ["tiny-convnet94", "tiny-convnet96"]


def test_the_command_of_a_comparison():
    from gpu import command, comparisons

    words = command(comparisons(arguments())[1], arguments(), Path("x.json"))
    peer = words[words.index("--vs") + 1]
    assert "--warm" in words
    assert words[words.index("--target") + 1] == "0.96"
    assert peer.startswith("torch-python ")
    assert peer.endswith("as_written.py a96.py --data-dir data --runs 4 --skip-first")


def test_the_table(capsys):
    from gpu import print_table

    result = {
        "seconds": {"median": 2.0},
        "seconds_with_tta": {"median": 2.5},
        "accuracy_tta": [0.9401, None, None],
        "petaflop": {"median": 0.28},
        "matrix_rates": {"bfloat16": 7e14},
        "vs": {"seconds": {"median": 2.59}, "accuracy": [0.94, 0.93, 0.95], "ratio": 0.965},
    }
    print_table({"one": result, "two": {**result, "vs": None}})
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["one", "2.500", "94.01%", "2.590", "94.00%", "0.965"]
    assert lines[3].split() == ["two", "2.500", "94.01%"]
    assert lines[5] == "one: 0.28 PFLOP, 20.0% of the measured bfloat16 matrix rate"
