"""Who trains, by name: processes of this machine, or those of a Ray cluster."""

from cifarlab.search.workers import Workers, make_local_workers
from cifarlab.utils import discovery
from cifarlab.utils.errors import CifarlabError

ENGINES = ("local", "ray")


def make_workers(
    engine: str = "local",
    jobs: int | None = None,
    threads: int = 1,
    max_minutes: float | None = None,
    *,
    address: str | None = None,
    cpus: float | None = None,
    gpus: float = 0.0,
) -> Workers:
    """Those who train.

    Args:
        engine: `"local"` or `"ray"`.
        jobs: How many processes; by default as many as there is room for.
        threads: With how many threads each computes: results depend on it.
        max_minutes: The most that one training may take.
        address: Of a Ray cluster, such as `"auto"`; by default `RAY_ADDRESS`, else one of this machine alone.
        cpus: Cores of each process on Ray; by default one a thread.
        gpus: GPUs of each process on Ray; a fraction shares one.

    Raises:
        CifarlabError: If there is no such engine, Ray is not installed, or options of Ray are given to another engine.
    """
    if engine not in ENGINES:
        raise CifarlabError(discovery.unknown("engine", engine, ENGINES))
    if engine == "local":
        if address is not None or cpus is not None or gpus:
            raise CifarlabError("--address, --cpus-per-trial and --gpus-per-trial need --engine ray")
        return make_local_workers(jobs, threads, max_minutes)
    from cifarlab.search.ray_workers import RayWorkers

    return RayWorkers(address, jobs, threads, cpus, gpus, None if max_minutes is None else 60 * max_minutes)
