"""A CIFAR-10 speed record's script as its authors wrote it, on their kind of GPU; only the number of runs is changed.

    torch-python benchmarks/peers/as_written.py PATH/airbench94_muon.py --data-dir DIR --runs 10

Known: airbench94_muon.py and airbench96_faster.py of https://github.com/KellerJordan/cifar10-airbench, and
cifar10_speedrun.py of https://github.com/hiverge/cifar10-speedrun. airbench96_faster.py has no warm-up and compiles in
its first run: give `--skip-first`, which makes one run more and leaves that one out of the results.
"""

import sys

from _script import ScriptError, Substitution, parse, run_script


def main() -> None:
    parser = parse(__doc__)
    parser.add_argument("--skip-first", action="store_true", help="one run more, and the first not in the results")
    arguments = parser.parse_args()
    skip = int(arguments.skip_first)
    try:
        run_script(substitutions(arguments.runs + skip), arguments.script, arguments.data_dir, skip)
    except ScriptError as error:
        sys.exit(f"error: {error}")


def substitutions(runs: int) -> list[Substitution]:
    """The number of runs."""
    return [Substitution("range(200)", f"range({runs})")]


if __name__ == "__main__":
    main()
