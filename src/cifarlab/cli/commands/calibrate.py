"""`cifarlab calibrate`: make a run's confidence match its accuracy."""

from cifarlab.cli import usage
from cifarlab.cli.options import Code, DataDir, Json, RunPaths

EPILOG = usage.examples("cifarlab calibrate runs/mlp2-seed0")


def calibrate(runs: RunPaths, data_dir: DataDir = None, code: Code = None, as_json: Json = False) -> None:
    """Make confidence match accuracy.

    One number, the temperature, is fitted on the validation images and kept in the run; predict applies it.
    """
    from cifarlab.cli import output
    from cifarlab.cli.tables import comparisons
    from cifarlab.displays.console import working
    from cifarlab.evaluation import calibration

    opened = [calibration.open_calibratable(run) for run in runs]
    results = []
    for run in opened:
        with working(f"calibrating {run.path}"):
            results.append(calibration.calibrate(run, data_dir=data_dir, code=code or ()))
    if as_json:
        output.print_json_of_runs([run.path for run in opened], results)
    else:
        comparisons.print_calibrations(results)
