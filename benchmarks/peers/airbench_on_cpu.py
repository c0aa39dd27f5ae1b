"""KellerJordan's airbench94_muon.py on a processor: as its authors wrote it, save for what a CPU demands.

    torch-python benchmarks/peers/airbench_on_cpu.py PATH/airbench94_muon.py --data-dir DIR --runs 1

The script: https://github.com/KellerJordan/cifar10-airbench. What is changed: bfloat16 for half, which a CPU computes
slowly (`--precision float32` for processors on which that is the faster one); the CPU for CUDA; a plain clock for
CUDA's events; as many threads as there are cores; the number of runs; and, by our choice, SGD that is not fused, and
nothing compiled, so no warm-up. `--epochs 1` trains for that many of its 8 epochs, where only the images a second are
wanted. Prints a line a run: seconds with TTA as its authors time it, accuracy, training alone, single-view.
"""

import sys

from _script import ScriptError, Substitution, parse, run_script

CLOCK = '''
import os, sys, torch
torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
print("threads:", torch.get_num_threads(), file=sys.stderr)

class _Event:
    """What a CUDA event is here for, on a processor, which is done when it says so."""

    def record(self):
        import time
        self.seconds = time.perf_counter()

    def elapsed_time(self, later):
        return 1e3 * (later.seconds - self.seconds)
'''


def main() -> None:
    parser = parse(__doc__)
    parser.add_argument("--precision", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--epochs", type=int, default=8, help="of its 8; the accuracy of fewer means nothing")
    arguments = parser.parse_args()
    try:
        changes = substitutions(arguments.runs, arguments.precision, arguments.epochs)
        run_script(changes, arguments.script, arguments.data_dir)
    except ScriptError as error:
        sys.exit(f"error: {error}")


def substitutions(runs: int, precision: str = "bfloat16", epochs: int = 8) -> list[Substitution]:
    """What a CPU demands, and the number of runs."""
    return [
        Substitution(".half()", {"bfloat16": ".bfloat16()", "float32": ".float()"}[precision], 2),
        Substitution("ceil(8 * len(train_loader))", f"ceil({epochs} * len(train_loader))"),
        Substitution('torch.device("cuda")', 'torch.device("cpu")'),
        Substitution("CifarNet().cuda()", "CifarNet()"),
        Substitution("@torch.compile\n", ""),
        Substitution('    model.compile(mode="max-autotune")\n', ""),
        Substitution('    main("warmup", model)\n', ""),
        Substitution("from math import ceil\n", "from math import ceil\n" + CLOCK),
        Substitution("torch.cuda.Event(enable_timing=True)", "_Event()", 2),
        Substitution("        torch.cuda.synchronize()\n", ""),
        Substitution("fused=True", "fused=False"),
        Substitution("range(200)", f"range({runs})"),
    ]


if __name__ == "__main__":
    main()
