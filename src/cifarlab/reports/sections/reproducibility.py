"""How the result was made, so that anybody can make it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import duration, plain, render
from cifarlab.utils.environment import BACKENDS

ORDER = 110
TITLE = "Reproducibility"


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
        ("Recipe", rows_of([record.recipe for record in page.runs])),
        ("Run", rows_of([_about_run(record) for record in page.runs])),
        ("Machine", rows_of([_machine(record) for record in page.runs])),
        ("Versions", rows_of([_versions(record) for record in page.runs])),
    ]
    looks = [(record, _looks(record, page.split), record.run.looks_in_making(page.split)) for record in page.runs]
    return render("reproducibility", page=page, tables=tables, looks=looks)


def rows_of(columns: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Every fact that any of some runs has, a value a run."""
    names = list(dict.fromkeys(name for facts in columns for name in facts))
    return [Row(name, [plain(facts.get(name)) for facts in columns]) for name in names]


def _about_run(record: RunRecord) -> dict[str, Any]:
    state = record.run.state
    why = f": {state['why']}" if state.get("why") else ""
    return {
        "state": f"{state.get('state', 'unknown')}{why}",
        "started": str(state.get("started", "")).replace("T", " ").replace("+00:00", " UTC"),
        "epochs trained": len(record.history),
        "training time, validation not counted": duration(record.training_seconds),
        "parameters": record.environment.get("parameters"),
        "written by": f"cifarlab {state.get('cifarlab', '')}",
    }


def _looks(record: RunRecord, split: str) -> list[dict[str, str]]:
    """Those at the images that the page is about: the run's own."""
    return [look for look in record.run.looks() if (look["split"], look["data"]) == (split, record.run.data_name)]


def _versions(record: RunRecord) -> dict[str, str]:
    """Of the backends only the one in use: the others may be installed, but the result does not depend on them."""
    versions = dict(record.environment.get("versions", {}))
    unused = set(BACKENDS) - {record.environment["backend"]} if record.environment.get("backend") in BACKENDS else set()
    return {name: version for name, version in versions.items() if name.removesuffix("-cpu") not in unused}


def _machine(record: RunRecord) -> dict[str, Any]:
    names = ("processor", "cores", "accelerators", "platform", "python", "backend")
    return {name: record.environment.get(name) for name in names}
