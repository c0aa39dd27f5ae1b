"""The models that can be asked: which there are, and how one is loaded with all that an answer needs."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cifarlab import runs
from cifarlab.inference import prediction
from cifarlab.inference.forward import Forward
from cifarlab.inference.onnx import ONNXRUNTIME, choose_engine
from cifarlab.inference.onnx_files import OnnxFile
from cifarlab.inference.temperature import FILE_NAME, stored_temperature
from cifarlab.models.pretrained import builtin
from cifarlab.runs import Run
from cifarlab.utils.arrays import Array
from cifarlab.utils.discovery import unknown
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.pages.run_summaries import is_real_folder, sign

_CLOCK_TICK_NS = 20_000_000  # a file system's clock may stand still for so long


class UnknownModel(CifarlabError):
    """There is no model of that name."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model in memory.

    Attributes:
        class_names: K names, in the order of the logits.
        image_shape: Height, width and channels of what it takes.
        forward: `(B, H, W, C)` uint8 to `(B, K)` float32.
        engine: What computes `forward`.
        takes_any_number: Whether `forward` takes any number of pictures, and needs nothing compiled for it.
        temperature: By which logits are divided; 1 where the run has not been calibrated.
        network: The `keras.Model`, for explanations; None of an exported file.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    forward: Forward
    engine: str = "unknown"
    takes_any_number: bool = False
    temperature: float = 1.0
    network: Any = field(default=None, repr=False)

    def probabilities(self, logits: Array) -> NDArray[np.float64]:
        """`(N, K)` float32 logits to `(N, K)` float64 probabilities at the model's temperature."""
        # Divided in float32, as `temperature.scale` does, so that the digits are those of `predict`.
        return np.asarray(special.softmax((logits / self.temperature).astype(np.float64), axis=1))


class ModelStore:
    """The models of a folder of runs, the built-in one, and exported files that the operator named.

    Names are looked up in a listing, never made into paths.
    """

    def __init__(
        self,
        runs_dir: Path,
        load: Callable[[str, Path], LoadedModel] | None = None,
        files: Mapping[str, OnnxFile] | None = None,
    ) -> None:
        """No run is read yet.

        Args:
            runs_dir: The folder of all runs.
            load: Loads the model of a name and its run's folder; by default with Keras, in its safe mode.
            files: Exported files by the names that they are asked under; each hides a run of its name.
        """
        self._runs_dir = runs_dir
        self.files = dict(files or {})
        self._load = load or load_model
        self._listed: tuple[int, dict[str, Run]] = (-1, {})
        # Keras keeps settings of the process while it builds a model.
        self._loading = threading.Lock()

    def names(self) -> list[str]:
        """The built-in model first, if this copy has one, then exported files, then every run that has a model."""
        first = [*([builtin.NAME] if _has_builtin() else []), *sorted(self.files)]
        trained = [name for name, run in self._runs().items() if run.model_file.is_file() and name not in first]
        return [*first, *sorted(trained)]

    def run(self, name: str) -> Run | None:
        """The run that a model came from; None for an exported file, or a built-in model that has no run here.

        Raises:
            UnknownModel: If there is no such model.
        """
        if name in self.files:
            return None
        run = self._runs().get(name)
        if name == builtin.NAME and _has_builtin():
            return run if run is not None and _is_unpacked(run) else None
        if run is None or not run.model_file.is_file():
            raise UnknownModel(unknown("model", name[:100], self.names()))  # a stranger's name may be a megabyte long
        return run

    def version(self, name: str) -> Any:
        """What changes when a model is trained anew under its name, or calibrated.

        Raises:
            UnknownModel: If there is no such model.
        """
        run = None if name == builtin.NAME and _has_builtin() else self.run(name)
        if run is None:
            return name
        # The inode too: a file that is moved into place may keep time and size of another.
        stat = run.model_file.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino, sign(run.path / FILE_NAME)

    def load(self, name: str) -> LoadedModel:
        """Load a model; one at a time.

        Raises:
            UnknownModel: If there is no such model.
            CifarlabError: If it cannot be loaded.
        """
        self.run(name)
        if name in self.files:
            return _from_file(name, self.files[name])
        with self._loading:
            return self._load(name, self._runs_dir)

    def _runs(self) -> dict[str, Run]:
        """The runs by their names, listed anew when something came into the folder or left it."""
        try:
            changed = self._runs_dir.stat().st_mtime_ns
            if changed != self._listed[0]:
                # A second change within the same tick of the file system's clock would leave the same time.
                settled = time.time_ns() - changed > _CLOCK_TICK_NS
                folders = [path for path in self._runs_dir.iterdir() if not path.name.startswith(".")]
                self._listed = (
                    changed if settled else -1,
                    {path.name: Run(path) for path in folders if is_real_folder(path)},
                )
        except OSError:  # no run has been made yet
            return {}
        return self._listed[1]


def load_model(name: str, runs_dir: Path) -> LoadedModel:
    """Load a model with Keras, in its safe mode, which runs no code that a file brings, and choose what computes it.

    Args:
        name: `"builtin"`, or that of a run in `runs_dir`, which the caller has looked up.
        runs_dir: The folder of all runs.

    Raises:
        CifarlabError: If it cannot be loaded.
    """
    run = name if name == builtin.NAME else runs.open_run(runs_dir / name, needs_model=True)
    names = prediction.class_names(run)
    network = prediction.load_model(run)
    shape = prediction.input_shape(network)
    prediction.check_fits(network, shape, len(names))
    temperature = (stored_temperature(run) if isinstance(run, Run) else None) or 1.0
    engine = choose_engine(name, network)
    return LoadedModel(name, names, shape, engine.forward, engine.name, engine.takes_any_number, temperature, network)


def _from_file(name: str, file: OnnxFile) -> LoadedModel:
    return LoadedModel(
        name, file.class_names, file.image_shape, file.network.forward, ONNXRUNTIME, True, file.temperature
    )


def _is_unpacked(run: Run) -> bool:
    """Whether a run holds the built-in model, and is not a run of somebody who likes its name."""
    try:
        return builtin.NAME in run.environment
    except CifarlabError:
        return False


def _has_builtin() -> bool:
    return all((builtin.FOLDER / file).is_file() for file in ("card.json", "weights.npz"))
