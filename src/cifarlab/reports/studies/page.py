"""The page about a study: its sections, which the app shows too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cifarlab.metrics.statistics.significance import SIGNIFICANCE, show_p
from cifarlab.recipes import settings_of
from cifarlab.reports.rendering import draw, plain, points, render
from cifarlab.reports.studies.figures import StudyFigure, StudyFigures
from cifarlab.search.confirmation import Verdict
from cifarlab.search.planning import plan_study
from cifarlab.search.reading import StudyRecord, trial_runs
from cifarlab.search.rounds import Trial
from cifarlab.utils.text import counted

MOST_TRIALS = 10
FIGURE = "figure-"


@dataclass(frozen=True)
class Part:
    """A section of the page.

    Attributes:
        name: Unique on the page.
        title: Its heading.
        figure: What it shows, where it is about one; else its content is words and tables, made at once.
    """

    name: str
    title: str
    figure: StudyFigure | None = None


def render_study(record: StudyRecord) -> str:
    """The whole page as one HTML text."""
    parts = [{"id": part.name, "title": part.title, "html": build_part(record, part)} for part in study_parts(record)]
    return render("study", record=record, sections=parts)


def study_parts(record: StudyRecord) -> list[Part]:
    """The sections that a study has something for, in their order."""
    figures = [Part(FIGURE + figure.name, figure.title, figure) for figure in StudyFigures(record).all()]
    failures = [Part("failures", "Failed trials")] if record.count("failed") else []
    trials = [Part("trials", "The best trials")] if any(trial.scores for trial in record.trials) else []
    return [
        *(Part("verdict", "The verdict"), Part("search", "What was searched")),
        *(*trials, *figures, *failures),
        Part("making", "How to make it again"),
    ]


def build_part(record: StudyRecord, part: Part) -> Markup:
    """A section's content."""
    if part.figure is not None:
        svg = draw(part.figure.draw(), part.name, f"{part.figure.title} of the study {record.study.name}")
        return render("study_figure", figure=part.figure, svg=svg)
    values: Mapping[str, Any] = {
        "verdict": _verdict_values,
        "search": _search_values,
        "trials": _trial_values,
        "failures": lambda each: {"failed": [trial for trial in each.trials if trial.state == "failed"]},
        "making": _making_values,
    }[part.name](record)
    return render(f"study_{part.name}", record=record, **values)


def say_verdict(record: StudyRecord) -> str:
    """What came of the study, in a few words."""
    verdict = record.verdict
    if verdict is None or not verdict.candidates:
        if record.is_running:
            return "under way"
        if not record.is_done:
            return "stopped before its end" if record.leaders else "nothing found yet"
        return "not confirmed"
    return f"{_kind(verdict)} ({points(verdict.candidates[0].difference.value or 0.0)} points)"


def _kind(verdict: Verdict) -> str:
    if verdict.is_better:
        return "better than as shipped"
    is_worse = verdict.candidates[0].adjusted_p_value < SIGNIFICANCE
    return "worse than as shipped" if is_worse else "not told apart from as shipped"


def say_settings(settings: Mapping[str, str]) -> str:
    """A trial's settings in a line."""
    return ", ".join(f"{key}={value}" for key, value in settings.items()) or "as shipped"


def _verdict_values(record: StudyRecord) -> dict[str, Any]:
    verdict = record.verdict if record.verdict and record.verdict.candidates else None
    found = verdict.candidates[0] if verdict else None
    leaders = record.leaders
    return {
        "verdict": verdict,
        "found": found,
        "p": show_p(found.adjusted_p_value).replace("= ", "") if found else "",
        "kind": _kind(verdict) if verdict else "",
        "best": leaders[0] if leaders else None,
        "searched_best": _flattered_score(verdict, leaders[0].score if leaders else None),
        "without": _why_no_verdict(record),
    }


def _flattered_score(verdict: Verdict | None, led: float | None) -> float:
    """The score of the search that `too_high` is about: that of a candidate, or else of the recipe as shipped."""
    if verdict is None:
        return 0.0
    for each in verdict.candidates:
        if abs(each.search_score - (each.accuracy.value or 0.0) - verdict.too_high) < 1e-9:
            return each.search_score
    return led or 0.0


def _why_no_verdict(record: StudyRecord) -> str:
    begun = f"{len(record.trials):,} of {counted(record.rules.trials, 'trial')} begun"
    if record.is_running:
        return f"The search is under way: {begun}. The verdict comes at its end."
    if not record.is_done:
        return f"The search was stopped before its end: {begun}. Give its command again, and it goes on."
    if not record.recipe.confirmation_fraction:
        return (
            "The search was not confirmed (--confirm 0). Its best score flatters itself, as the best of many tries: "
            "expect less on images that no trial has seen."
        )
    return "No other settings than those of the recipe as shipped came out best: there was nothing to confirm."


def _search_values(record: StudyRecord) -> dict[str, Any]:
    shipped = settings_of(record.recipe)
    about = record.about
    texts = about["space"] if record.space else {}
    return {
        "space": [(key, str(text), plain(shipped.get(key))) for key, text in texts.items()],
        "function": about["space"].get("function", ""),
        "plan": plan_study(record.rules, bool(record.recipe.confirmation_fraction)),
        "epochs_done": sum(len(curve) for curve in record.curves.values()) * record.rules.seeds_per_trial,
        "data": about["data"],
        "images": {part: _number(about["data"].get(part, 0)) for part in ("train", "validation")},
        "counts": {state: record.count(state) for state in ("complete", "pruned", "failed", "running")},
    }


def _trial_values(record: StudyRecord) -> dict[str, Any]:
    """The best trials, those that came furthest first, and the recipe as shipped for comparison."""
    known = [trial for trial in record.trials if trial.score is not None]
    ranked = sorted(known, key=lambda trial: (-trial.epochs, -(trial.score or 0.0), trial.number))
    shown = ranked[:MOST_TRIALS]
    shown += [trial for trial in ranked[MOST_TRIALS:] if not trial.number]
    keys = list(record.space) or list(dict.fromkeys(key for trial in shown for key in trial.settings))
    shipped = {key: plain(value) for key, value in settings_of(record.recipe).items()}

    def values(trial: Trial) -> list[str]:
        return [trial.settings.get(key, shipped.get(key, "")) for key in keys]

    places = {trial.number: place for place, trial in enumerate(ranked, start=1)}
    return {
        "rows": [(places[trial.number], trial, values(trial)) for trial in shown],
        "keys": keys,
        "total": len(known),
    }


def _making_values(record: StudyRecord) -> dict[str, Any]:
    environment: Mapping[str, Any] = {}
    for trial in record.trials:
        runs = [run for run in trial_runs(record, trial.number) if run.environment_file.is_file()]
        if runs:
            environment = runs[0].environment
            break
    shown = {key: plain(value) for key, value in environment.items() if isinstance(value, str | int | float | list)}
    versions = environment.get("versions")
    shown |= {key: plain(value) for key, value in versions.items()} if isinstance(versions, Mapping) else {}
    return {
        "command": str(record.about.get("command", "")),
        "best": record.study.best_file if record.study.best_file.is_file() else None,
        "environment": shown,
        "rules": {
            key.replace("_", " "): plain(value) if key == "seed" else _number(value)
            for key, value in vars(record.rules).items()
        },
        "made_by": str(record.about.get("cifarlab", "")),
        "fingerprints": {key: value for key, value in record.about["data"].items() if "fingerprint" in key},
    }


def _number(value: Any) -> str:
    """What may be a count, with separators from a thousand on; files may hold anything."""
    return f"{value:,}" if type(value) is int else plain(value)
