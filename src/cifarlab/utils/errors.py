"""What the command line says in one line: "the input was wrong", with exit code 2, and "you have stopped it", 130."""

from collections.abc import Iterator
from contextlib import contextmanager

from cifarlab.utils.text import readable


class CifarlabError(Exception):
    """Bad input, said in one line: what was wrong, what was expected, what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(readable(" ".join(message.split())))


class WrongField(CifarlabError):
    """One value of several is wrong: `field` says which, for a form that leads back to it."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@contextmanager
def blaming(field: str) -> Iterator[None]:
    """Inside, an error that names no field is about this one; empty where none is to blame."""
    try:
        yield
    except WrongField:
        raise
    except CifarlabError as error:
        raise WrongField(str(error), field) from error


class Interrupted(CifarlabError):
    """The user has stopped it; the message says how to go on. The command line exits with 130."""
