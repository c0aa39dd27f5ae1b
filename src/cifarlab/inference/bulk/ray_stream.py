"""Pictures classified by the processes of a Ray cluster, through Ray Data: in order, a few pieces at a time.

Each process reads pictures and classifies them, so that what travels is names in and lines of text out.
"""

import logging
import os
import pickle
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cifarlab.inference.bulk.classifier import Classifier, Piece, Question
from cifarlab.inference.bulk.remote import is_url
from cifarlab.inference.bulk.writing import pieces
from cifarlab.utils.errors import CifarlabError

WINDOW = 4096
"""Pieces whose names are in Ray's memory at a time: a million pictures."""


class RayStream:
    """Answers by a cluster that is connected to.

    Args:
        question: What is asked.
        environment: Of each process, before it loads Keras.
        jobs: How many processes; by default one a core that the cluster has now.
        sources: Files and folders that every machine must see.
    """

    def __init__(
        self, question: Question, environment: Mapping[str, str], jobs: int | None, sources: Sequence[str]
    ) -> None:
        self._question, self._environment, self._jobs = question, dict(environment), jobs
        self._sources = [name for name in sources if not is_url(name)]

    def __call__(self, paths: Sequence[str]) -> Iterator[Piece]:
        """The answers, in order.

        Raises:
            CifarlabError: If a machine does not see the pictures, the run has no usable model there, or Ray fails.
        """
        import ray

        jobs = self._jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))
        every = list(pieces(paths))
        _quieten()
        try:
            for start in range(0, len(every), WINDOW):
                yield from self._answers(every[start : start + WINDOW], jobs)
        except (ray.exceptions.RayError, ray.data.exceptions.SystemException) as error:
            raise CifarlabError(f"the Ray cluster failed: {' '.join(str(error).split())[:300]}") from error

    def _answers(self, wanted: Sequence[Sequence[str]], jobs: int) -> Iterator[Piece]:
        import pyarrow as pa
        import ray

        # A block a piece, each of one row. Pickled, because Arrow's text holds no file name that is not UTF-8.
        asked = ray.data.from_arrow([pa.table({"names": [pickle.dumps(list(each))]}) for each in wanted])
        answered = asked.map_batches(
            _Worker,
            batch_size=None,  # a whole block
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(jobs, len(wanted))),
            num_cpus=1,
            fn_constructor_args=(self._question, self._environment, str(Path.cwd()), self._sources),
        )
        for row in answered.iter_rows():
            answer = pickle.loads(row["answer"])  # of our own process
            if isinstance(answer, str):
                raise CifarlabError(answer)
            yield answer


class _Worker:
    """A process of the cluster. What is wrong with it is an answer too: Ray would begin it again and again.

    Args:
        question: What is asked.
        environment: To be set before Keras is loaded.
        folder: Where the command was given: relative names are meant from there, where the machine has it.
        sources: What this machine must see.
    """

    def __init__(self, question: Question, environment: Mapping[str, str], folder: str, sources: Sequence[str]) -> None:
        os.environ |= environment
        if Path(folder).is_dir():
            os.chdir(folder)
        self._classifier: Classifier | None = None
        self._problem = ""
        missing = [name for name in sources if not Path(name).exists()]
        if missing:  # else every picture would be one that cannot be read
            self._problem = f"{platform.node()} does not see {missing[0]}: name what all machines of the cluster see"
            return
        try:
            self._classifier = Classifier(question)
        except CifarlabError as error:
            self._problem = str(error)

    def __call__(self, asked: Any) -> Any:
        """One row of names to one row with the answer."""
        import pyarrow as pa

        answers: list[Piece | str] = [self._answer(pickle.loads(names)) for names in asked["names"].to_pylist()]
        return pa.table({"answer": [pickle.dumps(answer) for answer in answers]})

    def _answer(self, names: Sequence[str]) -> Piece | str:
        if self._classifier is None:
            return self._problem
        try:
            return self._classifier.classify(names)
        except CifarlabError as error:
            return str(error)


def _quieten() -> None:
    """Answers in the order of the questions, and no bars and notices between our own."""
    import ray

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.enable_auto_log_stats = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    logging.getLogger("ray").setLevel(logging.ERROR)
