"""A Ray cluster: how it is reached, how much room it has, and the process on one of its machines that trains."""

import contextlib
import dataclasses
import importlib.util
import os
import platform
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from cifarlab.search.tasks import Answer, Task, advance, thread_variables
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.homes import expand
from cifarlab.utils.silence import without_chatter
from cifarlab.utils.text import counted

SECONDS_TO_APPEAR = 10.0
"""So long may a network's file system take to show a new file."""
_CARRIED = ("CIFARLAB_DATA", "KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")


def connect(address: str | None) -> bool:
    """Reach a cluster, or begin one of this machine alone; whether that was needed.

    Raises:
        CifarlabError: If it cannot be reached.
    """
    import ray

    if ray.is_initialized():
        return False
    _knock(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would tell its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what later versions do; else a warning
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    except Exception as error:  # Ray raises a bare one where its own processes do not start in time
        where = address or "this machine"
        reason = " ".join(str(error).split())[:300]
        raise CifarlabError(f"cannot reach a Ray cluster at {where}: {reason}; see ray status") from error
    return True


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[None]:
    """A cluster is reached inside, and left behind.

    Raises:
        CifarlabError: If Ray is not installed, or it cannot be reached.
    """
    if importlib.util.find_spec("ray") is None:
        raise CifarlabError("--engine ray needs Ray: pip install 'cifarlab[ray]'")
    import ray

    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # of notices about Ray Data's own doings
    with without_chatter():  # in which Ray says that it has read the line above
        is_ours = connect(address)
    try:
        yield
    finally:
        if is_ours:
            ray.shutdown()


def _knock(address: str | None) -> None:
    """See whether anybody is at `host:port`: Ray itself would try for minutes, and then end the whole process."""
    host, _, port = (address or os.environ.get("RAY_ADDRESS", "")).removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_APPEAR).close()
        except (OSError, OverflowError) as error:
            raise CifarlabError(f"no Ray cluster answers at {host}:{port}: {error}; see ray status there") from error


def room(cpus: float, gpus: float) -> int:
    """How many processes of so many cores and GPUs the cluster has room for now, whoever uses it.

    Raises:
        CifarlabError: If it has none for a single one.
    """
    import ray

    rooms = []
    for node in ray.nodes():
        if node["Alive"]:
            have_cpus, have_gpus = (node["Resources"].get(name, 0.0) for name in ("CPU", "GPU"))
            shares = [have / need for have, need in ((have_cpus, cpus), (have_gpus, gpus)) if need]
            rooms.append(int(min(shares, default=1.0) + 1e-9))
    if not any(rooms):
        need = f"{cpus:g} CPU" + (f" and {gpus:g} GPU" if gpus else "")
        raise CifarlabError(
            f"no machine of the Ray cluster ({counted(len(rooms), 'machine')}) has {need}: give less as "
            "--cpus-per-trial or --gpus-per-trial, or begin with one larger machine"
        )
    return sum(rooms)


class RayWorker:
    """The process on the cluster's side."""

    def begin(self, beacon: str, folder: str) -> tuple[str, str]:
        """The machine's id, and what is wrong with it.

        Args:
            beacon: A file that every machine must see.
            folder: Where the command was given: what is named by a path from there is found, if the machine has it.
        """
        import ray

        if Path(folder).is_dir():
            os.chdir(folder)
        deadline = time.monotonic() + SECONDS_TO_APPEAR
        while not Path(beacon).is_file():
            if time.monotonic() > deadline:
                where = Path(beacon).parent
                problem = f"{platform.node()} does not see {where}: give a folder that all machines of the cluster see"
                return ray.get_runtime_context().get_node_id(), problem
            time.sleep(0.2)
        return ray.get_runtime_context().get_node_id(), ""

    def advance(self, task: Task) -> Answer:
        """Do a piece of work; Keras and the data are loaded once."""
        return advance(task)


def living() -> set[str]:
    """The ids of the machines that are there."""
    import ray

    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def light_beacon(folder: Path) -> Path:
    """A new file beside the runs, by which a machine shows that it sees the same folder, and not one of its own."""
    beacon = folder.resolve() / f".seen-{uuid.uuid4().hex}"
    try:
        beacon.parent.mkdir(parents=True, exist_ok=True)
        beacon.touch()
    except OSError as error:
        raise CifarlabError(f"cannot write {beacon.parent}: {error.strerror}") from error
    return beacon


def environment(threads: int) -> dict[str, str]:
    """What a worker's environment must have before Python begins in it."""
    return {**{name: os.environ[name] for name in _CARRIED if name in os.environ}, **thread_variables(threads)}


def anywhere(task: Task) -> Task:
    """The task with paths that do not depend on where a process began."""
    return dataclasses.replace(
        task,
        folder=task.folder.absolute(),
        data_dir=None if task.data_dir is None else str(expand(task.data_dir).absolute()),
        code=tuple(str(expand(each).absolute()) for each in task.code),
    )
