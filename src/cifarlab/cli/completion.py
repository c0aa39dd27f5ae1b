"""What the shell offers after Tab: recipes, data sets, runs. Typer calls these with what was typed so far."""

from pathlib import Path


def recipes(incomplete: str) -> list[str]:
    """Names of recipes, and Python files, that begin so."""
    from cifarlab.utils import discovery

    return [name for name in discovery.names("recipes") if name.startswith(incomplete)] + python_files(incomplete)


def python_files(incomplete: str) -> list[str]:
    """Python files that begin so."""
    return sorted(str(path) for path in Path().glob(f"{incomplete}*.py"))


def data(incomplete: str) -> list[str]:
    """Names of data sets that begin so."""
    from cifarlab.utils import discovery

    names = [f"{name}:" if name in ("folder", "table") else name for name in discovery.names("datasets")]
    return [name for name in names if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Run folders, and the built-in model, that begin so."""
    return runs(incomplete) + [name for name in ("builtin",) if incomplete and name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """Run folders that begin so; those in `runs/` where nothing was typed."""
    typed = Path(incomplete or "runs/")
    folder = typed if incomplete.endswith("/") or not incomplete else typed.parent
    folders = sorted(str(file.parent) for file in folder.glob("*/run.json"))
    return [path for path in folders if path.startswith(incomplete)]
