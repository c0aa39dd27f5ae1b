"""`cifarlab explore`: examine a data set before any training."""

from pathlib import Path
from typing import Annotated

from cifarlab.cli import usage
from cifarlab.cli.options import DataDir, DataName, Json, output

EPILOG = usage.examples("cifarlab explore", "cifarlab explore digits --output exploration/digits")


def explore(
    name: DataName = "cifar10",
    data_dir: DataDir = None,
    output: Annotated[Path | None, output("DIR", "Folder for the page and its pictures.")] = None,
    as_json: Json = False,
) -> None:
    """Examine a data set before any training.

    Writes one self-contained HTML page and PNG files beside it; prints the page's path.
    """
    from cifarlab.cli import output as tables
    from cifarlab.displays.console import working
    from cifarlab.reports.exploration import folder
    from cifarlab.utils import files

    with working(f"exploring {name}") as progress:
        page = folder.explore(name, data_dir=data_dir, output=output, progress=progress)
    if as_json:
        tables.print_json({"page": str(page), "summary": files.read_json(page.parent / "summary.json")})
    else:
        print(page)
