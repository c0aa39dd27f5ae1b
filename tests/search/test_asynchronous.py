"""Trials that are judged as they arrive: who goes on, and that a study which goes on judges again as it did."""

import dataclasses

import pytest

from cifarlab.search import Rules, make_space, tune
from cifarlab.search.asynchronous import Race, read_arrivals
from cifarlab.search.reading import read_study
from cifarlab.search.rounds import MOST_FAILURES, Outcome
from cifarlab.search.study import Study
from cifarlab.utils.errors import CifarlabError

RULES = Rules(trials=12, epochs=9, sampler="random", pruner="halving", confirm_seeds=1, asynchronous=True)
SPACE = ["learning_rate=1e-4..1e-1:log"], ["schedule=cosine,linear"]


@pytest.fixture
def space(recipe):
    return make_space(recipe, *SPACE, only=True)


@pytest.fixture
def make_race(recipe, space):
    """A race, and the list that its trials enter when they have ended."""

    def make(rules=RULES):
        ended = []
        return Race(recipe, space, rules, lambda number: None, ended.append), ended

    return make


@pytest.fixture
def search(recipe, space, tmp_path):
    def search(workers, rules=RULES, folder=tmp_path, **options):
        return tune(recipe, space, rules, studies_dir=folder, workers=workers, show=False, name="study", **options)

    return search


def test_who_is_among_the_best_third_so_far_goes_on(make_race):
    race, ended = make_race()
    # At the first rung, of 1, 2, ... 7 that have arrived the best 1, 1, 1, 2, 2, 2, 3 go on.
    scores = [0.5, 0.4, 0.6, 0.55, 0.3, 0.5, 0.58]
    goes_on = []
    for score in scores:
        leg = race.begin()
        assert leg.rung == 1
        following = race.arrive(leg.trial.number, Outcome(score))
        goes_on.append(following is not None)
        assert following is None or (following.trial is leg.trial and following.rung == 3)
    assert goes_on == [True, False, True, True, False, False, True]
    assert [(trial.number, trial.state) for trial in ended] == [(1, "pruned"), (4, "pruned"), (5, "pruned")]
    assert sorted(race.under_way) == [0, 2, 3, 6]


def test_each_rung_is_judged_by_itself_and_the_last_completes(make_race):
    race, ended = make_race()
    numbers = [race.begin().trial.number for _ in range(2)]
    for number in numbers:
        assert race.arrive(number, Outcome(0.5 + number / 10)).rung == 3  # 1 of 1, then the better of 2
    assert race.arrive(1, Outcome(0.7)).rung == 9
    assert race.arrive(0, Outcome(0.6)) is None
    assert race.arrive(1, Outcome(0.8)) is None
    assert [(trial.number, trial.state, trial.scores) for trial in ended] == [
        (0, "pruned", {1: 0.5, 3: 0.6}),
        (1, "complete", {1: 0.6, 3: 0.7, 9: 0.8}),
    ]


def test_equal_scores_do_not_push_an_earlier_one_aside(make_race):
    race, _ = make_race()
    first, second = race.begin(), race.begin()
    assert race.arrive(first.trial.number, Outcome(0.5)) is not None
    assert race.arrive(second.trial.number, Outcome(0.5)) is None


def test_ten_failures_in_a_row_end_it(make_race):
    race, _ = make_race()
    for _ in range(MOST_FAILURES - 1):
        assert race.arrive(race.begin().trial.number, Outcome(None, "loss became nan")) is None
    last = race.begin().trial.number
    with pytest.raises(CifarlabError, match="10 trials in a row failed, the last one: loss became nan"):
        race.arrive(last, Outcome(None, "loss became nan"))


def summary(trials):
    return [(trial.number, trial.settings, trial.state, trial.scores) for trial in trials]


def test_a_whole_study(search, fake_workers):
    tuned = search(fake_workers())
    assert [trial.number for trial in tuned.trials] == list(range(12))
    assert {trial.state for trial in tuned.trials} == {"complete", "pruned"}
    assert tuned.verdict is not None
    record = read_study(tuned.study.path)
    assert [(trial.number, trial.state, trial.scores) for trial in record.trials] == [
        (trial.number, trial.state, trial.scores) for trial in tuned.trials
    ]
    arrivals = read_arrivals(tuned.study)
    assert sorted(arrivals) == sorted(trial.number for trial in tuned.trials for _ in trial.scores)


class Wide:
    """Two at once, of which the one that came last is done first."""

    def __init__(self, workers):
        self.workers = workers
        workers.order = lambda tasks: list(tasks)[::-1]
        workers.size = lambda: 2


def test_killed_at_any_time_it_judges_again_as_it_did(search, fake_workers, tmp_path):
    """Also where trials overtook each other; and nothing is trained twice."""
    whole = Wide(fake_workers()).workers
    undisturbed = search(whole, folder=tmp_path / "whole")
    overtaken = read_arrivals(undisturbed.study)
    assert [number for place, number in enumerate(overtaken) if number not in overtaken[:place]] != list(range(12))
    for kills in range(1, len(whole.trained), 4):
        folder = tmp_path / str(kills)
        with pytest.raises(KeyboardInterrupt):
            search(Wide(fake_workers(kills=kills)).workers, folder=folder)
        before = read_arrivals(Study(folder / "study"))
        again = Wide(fake_workers()).workers
        tuned = search(again, folder=folder)
        assert read_arrivals(tuned.study)[: len(before)] == before
        assert len({*whole.trained[:kills]} & {*again.trained}) == 0
        done = {trial.number for trial in undisturbed.trials} - set(before)
        same = [trial for trial in undisturbed.trials if trial.number not in done]
        assert [trial.settings for trial in tuned.trials if trial.number not in done] == [t.settings for t in same]


def test_one_after_the_other_it_is_the_same_study_however_often_it_was_killed(search, fake_workers, tmp_path):
    undisturbed = search(fake_workers(), folder=tmp_path / "whole")
    for kills in (2, 6, 9):
        with pytest.raises(KeyboardInterrupt):
            search(fake_workers(kills=kills), folder=tmp_path / str(kills))
        assert summary(search(fake_workers(), folder=tmp_path / str(kills)).trials) == summary(undisturbed.trials)


def test_a_finished_study_answers_at_once_and_more_trials_go_on(search, fake_workers):
    tuned = search(fake_workers())
    workers = fake_workers()
    assert summary(search(workers).trials) == summary(tuned.trials)
    assert workers.trained == []
    grown = search(fake_workers(), dataclasses.replace(RULES, trials=18))
    assert summary(grown.trials)[:12] == summary(tuned.trials)
    assert len(grown.trials) == 18


def test_a_run_that_was_removed_is_trained_again(search, fake_workers):
    tuned = search(fake_workers())
    number = tuned.trials[3].number
    for path in tuned.study.trial_run(number, 0).path.iterdir():
        path.unlink()
    workers = fake_workers()
    again = search(workers)
    assert {name for name, _ in workers.trained if "trial" not in name} >= {f"{number:04d}-seed0"}
    assert len(again.trials) == 12


def test_several_seeds_a_trial_are_its_mean(search, fake_workers):
    tuned = search(fake_workers(), dataclasses.replace(RULES, trials=3, seeds_per_trial=2))
    for trial in tuned.trials:
        histories = [tuned.study.trial_run(trial.number, seed).history() for seed in range(2)]
        for epochs, score in trial.scores.items():
            best = [max(row["validation_accuracy"] for row in rows[:epochs]) for rows in histories]
            assert score == pytest.approx(sum(best) / 2, abs=1e-12)


def test_failed_trials_stay_failed(search, fake_workers):
    def failing(recipe):
        return "loss became nan" if recipe.learning_rate > 0.02 else ""

    tuned = search(fake_workers(failing=failing))
    assert {trial.reason for trial in tuned.trials if trial.state == "failed"} == {"loss became nan"}
    again = fake_workers(failing=failing)
    assert summary(search(again).trials) == summary(tuned.trials)
    assert again.trained == []


def test_when_its_time_is_up_no_further_trial_begins(search, fake_workers):
    seconds = iter([0.0, *[1.0] * 4, *[61.0] * 100])
    tuned = search(fake_workers(), max_minutes=1, clock=lambda: next(seconds))
    assert 0 < len(tuned.trials) < 12
    assert len(search(fake_workers()).trials) == 12


def test_a_second_command_is_refused(search, fake_workers):
    tuned = search(fake_workers())
    workers = fake_workers()
    with tuned.study.writing() as is_mine:
        assert is_mine()
        with pytest.raises(CifarlabError, match="judged as they arrive cannot be shared"):
            search(workers)
    assert workers.trained == []


def test_another_way_to_judge_is_another_study(search, fake_workers):
    search(fake_workers())
    with pytest.raises(CifarlabError, match="asynchronous True there, False here"):
        search(fake_workers(), dataclasses.replace(RULES, asynchronous=False))


def test_a_damaged_order_of_arrivals_is_one_line(search, fake_workers):
    tuned = search(fake_workers())
    tuned.study.arrivals_file.write_text("trial\nfour\n")
    with pytest.raises(CifarlabError, match=r"arrivals\.csv is damaged .* remove it"):
        search(fake_workers())
    tuned.study.arrivals_file.unlink()
    assert len(search(fake_workers()).trials) == 12


def test_one_round_of_all_cannot_be_judged_as_trials_arrive():
    with pytest.raises(CifarlabError, match="--asynchronous needs --pruner halving"):
        Rules(asynchronous=True)
