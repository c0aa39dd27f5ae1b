"""Workers that train nothing, and the runs that they leave."""

import hashlib
from collections.abc import Callable

import numpy as np

from cifarlab.datasets import load_data
from cifarlab.recipes import Recipe, to_dict
from cifarlab.runs.predictions import Predictions
from cifarlab.search.tasks import CONFIRMATION, DONE, FAILED, Answer, Task
from cifarlab.search.workers import LocalWorkers, answer_done, nothing_more
from cifarlab.utils import files

RECIPE = Recipe(
    model="mlp", model_args={"widths": (8,)}, data="digits", epochs=9, batch_size=100, learning_rate=1e-3, seed=0
)


class FakeWorkers(LocalWorkers):
    """Trains nothing: writes a run's files with scores that follow from its recipe, as a training's do.

    Args:
        kills: After so many pieces of work the whole process is killed, which is a KeyboardInterrupt here; in the midst
            of a training, whose history is then ahead of its state.
        order: In which order pieces of work are done.
        failing: Given a recipe, why its training fails, if it does.
    """

    def __init__(
        self,
        kills: int | None = None,
        order: Callable[[list[Task]], list[Task]] = list,
        failing: Callable[[Recipe], str] = lambda recipe: "",
    ) -> None:
        super().__init__(1)
        self.kills, self.order, self.failing = kills, order, failing
        self.trained: list[tuple[str, int]] = []

    def run(self, tasks, tick=lambda: None, then=nothing_more):
        answers = {}
        waiting = list(self.order(answer_done(tasks, answers, then)))
        while waiting:
            task, *waiting = waiting
            if self.kills is not None and len(self.trained) == self.kills:
                task.run.write_history(rows(task.recipe, task.until))
                task.run.set_state("running")
                raise KeyboardInterrupt
            tick()
            if saved_epochs(task.run) < task.until:
                self.trained.append((task.folder.name, task.until))
            reason = self.failing(task.recipe)
            answers[task] = Answer(FAILED, reason) if reason else Answer(DONE)
            if not reason:
                train(task)
            waiting = list(self.order([*waiting, *answer_done(then(task, answers[task]), answers, then)]))
        return answers


def saved_epochs(run):
    return int(run.checkpoint_file.read_text()) if run.checkpoint_file.is_file() else 0


def train(task):
    run = task.run
    epochs = max(task.until, saved_epochs(run))
    run.write_history(rows(task.recipe, epochs))
    files.write_json(run.recipe_file, to_dict(task.recipe))
    run.checkpoint_file.write_text(str(epochs))
    run.model_file.touch()
    run.set_state("finished" if task.until == task.recipe.epochs else "stopped")
    if task.confirm:
        part = load_data("digits", **task.recipe.held_out).confirmation
        correct = chance(task.recipe).random(len(part)) < accuracy(task.recipe, task.until)
        answers = np.where(correct, part.labels, (part.labels + 1) % 10)
        logits = np.eye(10, dtype=np.float32)[answers]
        Predictions(part.ids, part.labels, logits, part.class_names).save(run.predictions_file(CONFIRMATION))


def rows(recipe, until):
    return [{"epoch": epoch, "validation_accuracy": accuracy(recipe, epoch)} for epoch in range(1, until + 1)]


def accuracy(recipe, epoch):
    """Higher near a learning rate of 5e-3, and with more epochs; a little by chance."""
    distance = abs(np.log10(recipe.learning_rate / 5e-3))
    return round(0.9 - 0.2 * distance - 0.2 / epoch + 0.01 * chance(recipe).random(), 6)


def chance(recipe):
    digest = hashlib.blake2b(repr(recipe).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
