"""A search on two machines of which one dies: the same study as on one machine, trial for trial.

    .venv/bin/python benchmarks/ray_two_nodes.py [--trials 12]

The machines are two of Ray's node processes here, of one core each, beside a head that trains nothing. One is killed as
by a power cut, with the training that it does, when a quarter of the trials have begun. Needs the extra `[ray]`.
"""

import argparse
import csv
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}

from cifarlab.search import Rules, TuningObserver, choose_space, tune
from cifarlab.search.ray_workers import RayWorkers
from cifarlab.search.workers import LocalWorkers, Workers

FIXED = ["data=digits", "batch_size=20"]


class Assassin(TuningObserver):
    """Kills a machine of the cluster, once so many trials have begun and one of them is half done."""

    def __init__(self, cluster: Any, node: Any, study: Path, after: int) -> None:
        self._cluster, self._node, self._study, self._after = cluster, node, study, after
        self.killed_at: dict[str, int] = {}

    def tick(self) -> None:
        """Look, and strike once."""
        states = [json.loads(file.read_text("utf-8"))["state"] for file in self._study.glob("trials/*/run.json")]
        if not self.killed_at and len(states) > self._after and states.count("running") == 2:
            self.killed_at = {state: states.count(state) for state in set(states)}
            self._cluster.remove_node(self._node, allow_graceful=False)


def search(folder: Path, trials: int, epochs: int, workers: Workers, show: TuningObserver | bool = False) -> float:
    """One study; the seconds that it took."""
    began = time.monotonic()
    space = choose_space("smoke", ["learning_rate=1e-4..1e-2:log"], fixed=FIXED, only=True)
    rules = Rules(trials=trials, epochs=epochs, pruner="halving")
    tune("smoke", space, rules, fixed=FIXED, confirm=0, name="study", studies_dir=folder, show=show, workers=workers)
    return time.monotonic() - began


def rows(folder: Path) -> list[dict[str, str]]:
    """The study's table of trials."""
    with (folder / "study/trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main() -> int:
    """Search twice and compare; 1 where the studies differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=9)
    given = parser.parse_args()
    from ray.cluster_utils import Cluster

    logging.getLogger("ray").setLevel(logging.ERROR)
    memory = {"object_store_memory": 80_000_000}
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **memory})
        _, second = [cluster.add_node(num_cpus=1, **memory) for _ in range(2)]
        assassin = Assassin(cluster, second, Path(scratch) / "ray/study", given.trials // 4)
        try:
            on_ray = search(Path(scratch) / "ray", given.trials, given.epochs, RayWorkers(cluster.address), assassin)
        finally:
            cluster.shutdown()
        alone = search(Path(scratch) / "local", given.trials, given.epochs, LocalWorkers(1))
        ours, others = rows(Path(scratch) / "ray"), rows(Path(scratch) / "local")
    differing = [row["number"] for row, other in zip(ours, others, strict=True) if row != other]
    print(f"two machines, one killed when its trials were {assassin.killed_at}: {len(ours)} trials in {on_ray:.1f} s")
    print(f"one process of this machine, undisturbed: {len(others)} trials in {alone:.1f} s")
    states = {state: sum(row["state"] == state for row in ours) for state in ("complete", "pruned", "failed")}
    print(f"{states}; trials that differ in settings, epochs, state or score: {', '.join(differing) or 'none'}")
    return int(bool(differing) or not assassin.killed_at)


if __name__ == "__main__":
    raise SystemExit(main())
