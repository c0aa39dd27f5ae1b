"""A study's folder as a search leaves it, without training anything: scores follow from the learning rate."""

import math
from pathlib import Path

from cifarlab.metrics.statistics.intervals import Interval
from cifarlab.recipes import to_dict
from cifarlab.runs import create_run
from cifarlab.search import exports
from cifarlab.search.beginning import begin_study, place_study
from cifarlab.search.confirmation import Candidate, Verdict
from cifarlab.search.planning import prepare
from cifarlab.search.rounds import Outcome, search
from cifarlab.search.rules import Rules
from cifarlab.search.space import make_space
from cifarlab.search.study import Study
from cifarlab.utils import files

RULES = Rules(trials=10, epochs=3, sampler="random", pruner="halving")
DATA = {"name": "digits", "train": 1166, "validation": 129}
BROKEN = "the loss is not a number: <b>lower the learning rate</b>"


def make_study(root: Path, name: str = "made-up", *, rounds: int = 2, confirmed: bool = True) -> Study:
    """Ten trials in two rounds, the second of each round failed; with `rounds=1` stopped after the first."""
    recipe = prepare("smoke", RULES, ())
    space = make_space(recipe, ["learning_rate=1e-4..1e-1:log"], ["optimizer=adam,sgd"], only=True)
    varied = "--range learning_rate=1e-4..1e-1:log --choice optimizer=adam,sgd"
    command = f"cifarlab tune smoke --trials 10 --sampler random --name {name} --only {varied}"
    study = place_study(root, name)
    begin_study(study, recipe, space, RULES, DATA, command)
    trials = []
    for members in search(study.recipe, space, lambda some, epochs: _train(study, some, epochs), RULES, study.known):
        trials += members
        exports.write_trials(study, trials)
        if members[0].round + 1 == rounds:
            break
    if rounds == 2 and confirmed:
        best = max((trial for trial in trials if trial.state == "complete"), key=lambda trial: trial.score)
        verdict = make_verdict(best.number, best.settings, best.score)
        files.write_json(study.verdict_file, verdict)
        exports.write_best(study, study.recipe_of(best.settings), verdict, best, "smoke")
    return study


def make_verdict(number: int, settings: dict[str, str], score: float, is_better: bool = True) -> Verdict:
    """The recipe found is two points better."""
    accuracy, shipped = Interval(0.9, 0.88, 0.92), Interval(0.88, 0.86, 0.9)
    candidate = Candidate(number, settings, score, accuracy, Interval(0.02, 0.01, 0.03), 0.001, 0.001)
    return Verdict((candidate,), shipped, 143, 3, is_better, score - 0.9, "The recipe found is better <i>indeed</i>.")


def _train(study: Study, trials, epochs: int) -> list[Outcome]:
    outcomes = []
    for trial in trials:
        study.remember(trial)
        if trial.number % 5 == 1:
            study.remember(trial, (epochs, BROKEN))
            outcomes.append(Outcome(None, BROKEN))
            continue
        scores = [_score(study, trial, epoch) for epoch in range(1, epochs + 1)]
        run = study.trial_run(trial.number, 0)
        if not run.path.is_dir():
            create_run(run.path.parent, run.path.name)
            run.set_state("stopped")
            files.write_json(run.recipe_file, to_dict(study.recipe_of(trial.settings)))
        run.write_history(
            [
                {"epoch": epoch, "train_loss": 1.0, "train_accuracy": score, "validation_loss": 1.0,
                 "validation_accuracy": score, "seconds": 0.1}
                for epoch, score in enumerate(scores, start=1)
            ]
        )  # fmt: skip
        outcomes.append(Outcome(max(scores)))
    return outcomes


def _score(study: Study, trial, epoch: int) -> float:
    rate = float(trial.settings.get("learning_rate", study.recipe.learning_rate))
    return round(0.9 - 0.1 * abs(math.log10(rate) + 2.5) - 0.3 / epoch, 6)
