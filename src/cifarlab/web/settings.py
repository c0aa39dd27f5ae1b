"""Settings: everything that decides how the app serves, given once when it starts."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """What a request may cost at most.

    Attributes:
        max_pixels: Of an uploaded picture, width times height.
        queue_size: Images that may wait for a model; more are answered with 503.
        request_seconds: How long a prediction may take, waiting included.
    """

    max_request_bytes: int = 16 * 2**20
    max_pixels: int = 40_000_000
    max_images: int = 64
    queue_size: int = 256
    request_seconds: float = 30.0


@dataclass(frozen=True)
class Settings:
    """How the app serves.

    Attributes:
        runs_dir: Folder of all runs; nothing outside it and the data is opened.
        data: Name of the data set that is shown first.
        data_dir: Where that data set is looked for; None looks in the usual places.
        token: What a visitor must know; None lets in whoever reaches the address.
        code: Python files that runs may need and the operator named; nothing else of theirs is executed.
        studies_dir: Folder of all studies.
        models: Exported ONNX files that are asked beside the runs, by their files' names; read once.
    """

    runs_dir: Path = Path("runs")
    data: str = "cifar10"
    data_dir: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    code: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    studies_dir: Path = Path("studies")
    models: tuple[Path, ...] = ()
