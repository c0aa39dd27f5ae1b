"""A search on two machines of which one dies: the same study as on one machine, trial for trial.

    .venv/bin/python benchmarks/ray_two_nodes.py [--trials 12]

The machines are two of Ray's node processes here, of one core each, beside a head that trains nothing. One is killed as
by a power cut, with the training that it does, when a quarter of the trials have begun and both machines train: each
waits at a gate, after an epoch, until that moment has come. Needs the extra `[ray]`.
"""

import argparse
import contextlib
import csv
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

from _measure import begin

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}

from cifarlab.search import Rules, TuningObserver, choose_space, ray_workers, tune
from cifarlab.search.ray_cluster import RayWorker
from cifarlab.search.ray_workers import RayWorkers
from cifarlab.search.tasks import Answer, Task
from cifarlab.search.workers import LocalWorkers, Workers

FIXED = ["data=digits", "batch_size=20"]


class Gate:
    """Where trainings of other processes stand still until all have come: a named pipe, which opens from both ends.

    Args:
        folder: Where it is made; all processes see it.
    """

    def __init__(self, folder: Path) -> None:
        self._pipe = folder / "gate"
        os.mkfifo(self._pipe)

    def wait(self, who: str) -> None:
        """Stand still until it is opened; nothing once it has been."""
        with contextlib.suppress(FileNotFoundError):
            if self._pipe.exists():
                self._pipe.with_name(f"waiting-{who}").touch()
                self._pipe.open().close()

    def waiting(self) -> int:
        """How many stand there."""
        return len(list(self._pipe.parent.glob("waiting-*")))

    def open(self) -> None:
        """Let all pass, now and later."""
        with self._pipe.open("w"):
            self._pipe.unlink()


def gated(gate: Gate, first: int) -> type[RayWorker]:
    """A worker whose trainings wait at the gate after each epoch, from the trial of that number on."""

    class GatedWorker(RayWorker):
        def advance(self, task: Task) -> Answer:
            from cifarlab.training.checkpoint_manager import CheckpointManager

            save = CheckpointManager.save

            def save_and_wait(manager: CheckpointManager, *row: Any) -> bool:
                is_best = save(manager, *row)
                if int(task.folder.name.split("-")[0]) >= first:
                    gate.wait(task.folder.name)
                return is_best

            with mock.patch.object(CheckpointManager, "save", save_and_wait):
                return RayWorker.advance(self, task)

    return GatedWorker


class Assassin(TuningObserver):
    """Kills a machine of the cluster, once both have a training that stands at the gate, and opens it."""

    def __init__(self, cluster: Any, node: Any, study: Path, gate: Gate) -> None:
        self._cluster, self._node, self._study, self._gate = cluster, node, study, gate
        self.killed_at: dict[str, int] = {}

    def tick(self) -> None:
        """Look, and strike once."""
        if not self.killed_at and self._gate.waiting() == 2:
            states = [json.loads(file.read_text("utf-8"))["state"] for file in self._study.glob("trials/*/run.json")]
            self.killed_at = {state: states.count(state) for state in set(states)}
            self._cluster.remove_node(self._node, allow_graceful=False)
            self._gate.open()


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
    given = begin(parser)
    from ray.cluster_utils import Cluster

    logging.getLogger("ray").setLevel(logging.ERROR)
    memory = {"object_store_memory": 80_000_000}
    with tempfile.TemporaryDirectory() as scratch:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **memory})
        _, second = [cluster.add_node(num_cpus=1, **memory) for _ in range(2)]
        gate = Gate(Path(scratch))
        assassin = Assassin(cluster, second, Path(scratch) / "ray/study", gate)
        try:
            with mock.patch.object(ray_workers, "RayWorker", gated(gate, given.trials // 4)):
                on_ray = search(
                    Path(scratch) / "ray", given.trials, given.epochs, RayWorkers(cluster.address), assassin
                )
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
