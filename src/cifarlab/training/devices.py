"""On how many devices a training computes: what was asked for, what there is, and what a resumed run began with."""

from cifarlab.recipes import Recipe
from cifarlab.runs import Run
from cifarlab.utils import files
from cifarlab.utils.environment import choose_backend
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.formats import stamped
from cifarlab.utils.text import counted

ALL = "all"
SHARING = ("jax",)
"""Backends whose engine shares a step among devices; `docs/scale.md` says why the others do not."""


def choose_devices(wanted: int | str | None, recipe: Recipe) -> int:
    """How many devices share the images of a step.

    Args:
        wanted: A number, `"all"`, or None for one.
        recipe: What is trained: parts of a batch are equal.

    Raises:
        CifarlabError: If it is no such number, there are not so many, the backend's engine knows one only, or the batch
            cannot be divided among them.
    """
    if wanted is None:
        return 1
    count = None if wanted == ALL else _as_number(wanted)
    if count == 1:
        return 1
    if (backend := choose_backend()) not in SHARING:
        raise CifarlabError(
            f"--devices {wanted} needs KERAS_BACKEND=jax: on {backend} a training computes on one device"
        )
    there = _there()
    count = count or there
    if there < count:
        raise CifarlabError(
            f"--devices {wanted}: JAX sees {counted(there, 'device')}; to try it, "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={count} makes {count} of a processor"
        )
    if recipe.batch_size % count:
        fitting = recipe.batch_size - recipe.batch_size % count or count
        raise CifarlabError(
            f"a batch of {recipe.batch_size} images cannot be divided equally among {count} devices: "
            f"give --batch-size {fitting}"
        )
    return count


def record_devices(run: Run, count: int, *, again: bool = False) -> None:
    """Note on how many devices a run is trained, where it is or was not one.

    Args:
        run: With its `environment.json`.
        count: How many.
        again: Whether it is resumed: another number than before is worth a notice, which whoever watches is told.
    """
    known = run.environment
    if count == (before := known.get("devices", 1)):
        return
    notice = (
        f"trained on {counted(before, 'device')} so far, and on {count} from epoch {len(run.history()) + 1} on: the "
        "last digits are not those of a training that was not stopped"
    )
    first = {"first_devices": known.get("first_devices", before)}  # what `first-steps.json` was noted on
    more = {**first, "notices": [*known.get("notices", []), notice]} if again else {}
    files.write_json(run.environment_file, stamped({**known, "devices": count, **more}))


def choose_again(wanted: int | str | None, run: Run) -> int:
    """How many devices go on with a run that was stopped.

    Args:
        wanted: As for `choose_devices`; None for as many as it was trained on.
        run: The run.

    Raises:
        CifarlabError: As `choose_devices`.
    """
    before = run.environment.get("devices", 1)
    if wanted is not None:
        return choose_devices(wanted, run.recipe)
    try:
        return choose_devices(before, run.recipe)
    except CifarlabError as error:
        raise CifarlabError(
            f"{run.path} was trained on {counted(before, 'device')}: {error}; or go on with one: --devices 1"
        ) from error


def _there() -> int:
    from cifarlab.training.engines import engine_class

    return engine_class().count_devices()


def _as_number(wanted: int | str) -> int:
    number = int(wanted) if str(wanted).isascii() and str(wanted).isdigit() else 0
    if number < 1:
        raise CifarlabError(f"--devices takes a number of at least 1, or all. Received: {wanted!r}")
    return number
