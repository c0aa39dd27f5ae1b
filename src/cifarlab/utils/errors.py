"""What the command line says in one line: "the input was wrong", with exit code 2, and "you have stopped it", 130."""

import re
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


def say_error(error: BaseException) -> str:
    """What a library's error says, in words for people: without numbers of errors, and what it repeats of the file."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if type(error) is KeyError:
        return f"{error} is missing"
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    found = re.search(r"(?:could not convert string to float|invalid literal for int\(\)[^:]*): (.*)", str(error))
    return f"{found[1]} is no number" if found else str(error)


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
