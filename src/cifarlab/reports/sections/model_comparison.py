"""Several runs in one table, and whether their differences are more than chance: first what that comes to."""

import itertools
from collections.abc import Sequence

from markupsafe import Markup

from cifarlab.evaluation.comparison.pairs import Comparison, PairComparison, compare
from cifarlab.evaluation.comparison.seeds import GroupComparison, compare_every_two, same_but_seed
from cifarlab.metrics.statistics.significance import SIGNIFICANCE, show_p
from cifarlab.reports.page import Page, RunRecord
from cifarlab.reports.rendering import render
from cifarlab.reports.sections.reproducibility import rows_of
from cifarlab.utils.errors import CifarlabError
from cifarlab.utils.text import counted

ORDER = 5
TITLE = "Model comparison"
MOST_NAMED = 6
"""So many settings that differ, or sentences about pairs, are read; more are looked up."""


def build(page: Page) -> Markup | None:
    """The verdict, what the runs differ in, the table and the pairwise tests; None for a single run."""
    if not page.several:
        return None
    problem, comparison, between = "", None, list[GroupComparison]()
    try:
        if not page.apart:
            comparison, between = _compare(page)
    except CifarlabError as error:
        problem = str(error)
    pairs = () if comparison is None else comparison.pairs
    return render(
        "model_comparison",
        page=page,
        pairs=[(*two, pair) for two, pair in zip(itertools.combinations(page.runs, 2), pairs, strict=bool(pairs))],
        comparison=comparison,
        groups=list(dict.fromkeys(group for found in between for group in found.groups)),
        verdict=_verdict(comparison, between),
        sentences=[each.sentence for each in between or pairs],
        note=between[0].note if between else comparison.note if comparison else "",
        differing=_differing(page.runs, are_groups=bool(between)),
        problem=problem,
        show_p=show_p,
        most=MOST_NAMED,
    )


def _compare(page: Page) -> tuple[Comparison, list[GroupComparison]]:
    """Every two runs, and every two groups of seeds."""
    comparison = compare([record.run for record in page.runs], split=page.split)
    groups = [[record.run for record in group] for group in _groups(page.runs)]
    return comparison, compare_every_two(groups, split=page.split) if len(groups) > 1 else []


def _groups(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Finished runs that are one recipe with several seeds, where there are two or more of it."""
    found: dict[str, list[RunRecord]] = {}
    for record in records:
        if record.recipe and record.run.state.get("state") == "finished":
            key = same_but_seed(record.recipe, str(record.data.get("name", "")), record.run.labels_checksum)
            found.setdefault(key, []).append(record)
    # Copies of a run say nothing about how far seeds lie apart.
    seeds = {key: {record.recipe.get("seed") for record in group} for key, group in found.items()}
    return [group for key, group in found.items() if 1 < len(group) == len(seeds[key])]


def _verdict(comparison: Comparison | None, between: Sequence[GroupComparison]) -> str:
    """In a few words; empty where nothing was tested."""
    found: Sequence[GroupComparison | PairComparison] = between or (() if comparison is None else comparison.pairs)
    apart = [each for each in found if _p_value(each) < SIGNIFICANCE]
    if len(found) > 1:
        kind = "pair of groups" if between else "pair"
        return f"{len(apart)} of {counted(len(found), kind, kind.replace('pair', 'pairs', 1))} told apart"
    if not found:
        return ""
    if not apart:
        return "Not told apart"
    (one,) = apart
    names = [group.name for group in one.groups] if isinstance(one, GroupComparison) else [one.first, one.second]
    difference = one.difference if isinstance(one, GroupComparison) else one.accuracy_difference
    return f"{names[0] if (difference.value or 0.0) > 0 else names[1]} is better"


def _p_value(found: GroupComparison | PairComparison) -> float:
    return found.p_value if isinstance(found, GroupComparison) else found.adjusted_p_value


def _differing(records: Sequence[RunRecord], *, are_groups: bool) -> list[tuple[str, list[str]]]:
    """Each setting that is not the same in all runs, with its values; of groups of seeds without the seed."""
    rows = rows_of([{**record.recipe, "corrected labels": record.run.labels_checksum[:8]} for record in records])
    chosen = [row for row in rows if row.differs and not (are_groups and row.name == "seed")]
    return [(row.name, list(dict.fromkeys(row.values))) for row in chosen]
