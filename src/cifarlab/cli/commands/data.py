"""`cifarlab data`: find, verify and describe a data set."""

from cifarlab.cli import usage
from cifarlab.cli.options import DataDir, DataName, Json

EPILOG = usage.examples("cifarlab data", "cifarlab data folder:pictures --json")


def data(name: DataName = "cifar10", data_dir: DataDir = None, as_json: Json = False) -> None:
    """Find, verify and describe a data set."""
    from cifarlab import datasets
    from cifarlab.cli import output
    from cifarlab.cli.tables import scores
    from cifarlab.cli.tables.pictures import print_pictures
    from cifarlab.displays.console import working
    from cifarlab.utils import own_code

    own_code.allow(name)
    with working(f"reading {name}") as progress:
        description = datasets.describe(datasets.load_data(name, data_dir=data_dir, progress=progress))
    if as_json:
        output.print_json(description)
    else:
        scores.print_data(description)
        print_pictures(description)
