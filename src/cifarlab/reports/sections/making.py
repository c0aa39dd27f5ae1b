"""How the result was made, so that anybody can make it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cifarlab.reports.page import Page, RunView
from cifarlab.reports.rendering import duration, plain, render
from cifarlab.utils.environment import BACKENDS

ORDER = 110
TITLE = "How it was made"


@dataclass(frozen=True)
class Row:
    """One fact, a value a run."""

    name: str
    values: list[str]

    @property
    def differs(self) -> bool:
        """Whether the runs are not all alike here."""
        return len(set(self.values)) > 1


def build(page: Page) -> Markup:
    """Recipe, versions, hardware, data, looks at the split, and the command."""
    tables = [
        ("Recipe", _rows([view.recipe for view in page.runs])),
        ("Run", _rows([_about_run(view) for view in page.runs])),
        ("Machine", _rows([_machine(view) for view in page.runs])),
        ("Versions", _rows([_versions(view) for view in page.runs])),
    ]
    looks = [(view, _looks(view, page.split), view.run.looks_in_making(page.split)) for view in page.runs]
    return render("making", page=page, tables=tables, looks=looks)


def _rows(records: list[Mapping[str, Any]]) -> list[Row]:
    names = list(dict.fromkeys(name for record in records for name in record))
    return [Row(name, [plain(record.get(name)) for record in records]) for name in names]


def _about_run(view: RunView) -> dict[str, Any]:
    state = view.run.state
    why = f": {state['why']}" if state.get("why") else ""
    return {
        "state": f"{state.get('state', 'unknown')}{why}",
        "started": str(state.get("started", "")).replace("T", " ").replace("+00:00", " UTC"),
        "epochs trained": len(view.history),
        "training alone, without validation": duration(view.training_seconds),
        "parameters": view.environment.get("parameters"),
        "written by": f"cifarlab {state.get('cifarlab', '')}",
    }


def _looks(view: RunView, split: str) -> list[dict[str, str]]:
    """Those at the images that the page is about: the run's own."""
    return [look for look in view.run.looks() if (look["split"], look["data"]) == (split, view.run.data_name)]


def _versions(view: RunView) -> dict[str, str]:
    """Of the backends only the one in use: the others may be installed, but the result does not depend on them."""
    versions = dict(view.environment.get("versions", {}))
    unused = set(BACKENDS) - {view.environment["backend"]} if view.environment.get("backend") in BACKENDS else set()
    return {name: version for name, version in versions.items() if name.removesuffix("-cpu") not in unused}


def _machine(view: RunView) -> dict[str, Any]:
    names = ("processor", "cores", "accelerators", "platform", "python", "backend")
    return {name: view.environment.get(name) for name in names}
