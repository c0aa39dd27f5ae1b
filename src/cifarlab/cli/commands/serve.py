"""`cifarlab serve`: the app in the browser, and the HTTP API."""

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cifarlab.cli import completion, usage
from cifarlab.cli.options import Code, DataDir, RunsDir, option
from cifarlab.utils.homes import expand

EPILOG = usage.examples(
    "cifarlab serve",
    "cifarlab serve --runs-dir runs --data cifar10 --port 9000",
    "cifarlab serve --host 0.0.0.0",
    "cifarlab serve --model exports/builtin.onnx",
)

_TOKEN = "What visitors must know; on another address one is generated."
# By what pip calls them.
_NEEDED = {
    "fastapi": "fastapi",
    "prometheus-client": "prometheus_client",
    "python-multipart": "python_multipart",
    "uvicorn": "uvicorn",
}


def serve(
    runs_dir: RunsDir = Path("runs"),
    data: Annotated[str, option("NAME", "Data set to show first.", complete=completion.data)] = "cifar10",
    data_dir: DataDir = None,
    code: Code = None,
    host: Annotated[str, option("HOST", "Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, option("PORT", "0 takes any that is free.", "--port", "-p", min=0, max=65535)] = 8000,
    token: Annotated[str | None, option("TOKEN", _TOKEN)] = None,
    studies_dir: Annotated[Path, option("DIR", "Folder of all studies.")] = Path("studies"),
    models: Annotated[list[Path] | None, option("FILE", "ONNX file of cifarlab export to ask too.", "--model")] = None,
) -> None:
    """Explore, understand and classify in the browser.

    Starts a local app and an HTTP API, and prints their address. Stop it with Ctrl-C.
    """
    from cifarlab.utils import own_code

    _need_web()
    own_code.allow_files(code or ())
    own_code.allow(data)
    _check(runs_dir, data, data_dir, token)
    _check_folder(studies_dir, "--studies-dir")
    files = tuple(models or ())
    _check_models(files)
    from cifarlab.web.server.listening import bind

    with bind(host, port) as listener:
        from cifarlab.web.server.server import serve as serve_app
        from cifarlab.web.settings import Settings

        folder = None if data_dir is None else expand(data_dir)
        settings = Settings(
            runs_dir, data, folder, host, port, token, tuple(code or ()), studies_dir=studies_dir, models=files
        )
        announce = "cifarlab is at {} (Ctrl-C stops it)".format
        serve_app(settings, listener, lambda address: print(announce(address), flush=True))
    # All has been answered. What would follow is the end of Keras's threads, which takes many seconds of a grace time.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _need_web() -> None:
    from cifarlab.utils.errors import CifarlabError

    missing = [name for name, module in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise CifarlabError(
            f"serving needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: install "
            "with pip install 'cifarlab[web]'"
        )


def _check_models(files: Sequence[Path]) -> None:
    from cifarlab.inference.onnx_files import open_file
    from cifarlab.utils.errors import CifarlabError

    if len({path.name for path in files}) < len(files):
        raise CifarlabError("two files that --model names have one name: models are asked by it; rename one")
    for path in files:
        open_file(path)


def _check(runs_dir: Path, data: str, data_dir: str | None, token: str | None) -> None:
    """Refuse what can be seen to be wrong before anything is started."""
    from cifarlab.datasets import own_place
    from cifarlab.utils.errors import CifarlabError

    place = own_place(data)
    if place is not None and (place == Path() or not Path(data_dir or "", place).exists()):
        named = f"the place that --data {data} names" if place == Path() else place
        raise CifarlabError(f"nothing at {named}: expected folder:PATH or table:FILE, with pictures")
    _check_folder(runs_dir, "--runs-dir")
    if data_dir is not None and not expand(data_dir).exists():
        raise CifarlabError(f"nothing at {data_dir}, named by --data-dir: give the folder that holds the data")
    if token is not None and not re.fullmatch(r"[A-Za-z0-9._~-]+", token):
        raise CifarlabError("a token is made of letters, digits, '.', '_', '~' and '-', at least one of them")


def _check_folder(folder: Path, flag: str) -> None:
    from cifarlab.utils.errors import CifarlabError

    if folder.exists() and not folder.is_dir():
        raise CifarlabError(f"{folder} is not a folder: give another one as {flag}")
