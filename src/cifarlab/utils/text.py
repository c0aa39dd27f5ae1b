"""Numbers and names in sentences: `1 run`, `2 runs`, `2 min 10 s`, `58.72 %`, `+1.50`."""

import os
from collections.abc import Sequence


def counted(number: int, one: str, many: str = "") -> str:
    """A number with what it counts, which stands in the singular after 1 alone.

    Args:
        number: How many.
        one: What one of them is called.
        many: What several are called; by default `one` with an s.

    Example:
        >>> counted(1, "run"), counted(1200, "image"), counted(2, "class", "classes")
        ('1 run', '1,200 images', '2 classes')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float, *, tenths: bool = False) -> str:
    """Seconds as people say them: `"8 s"`, `"2 min 10 s"`, `"1 h 05 min"`.

    Args:
        seconds: How many.
        tenths: With one decimal where there are fewer than ten, for what has been measured: `"7.6 s"`.
    """
    if tenths and seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)  # first, so that 59.7 s become 1 min 00 s and never 60 s
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(fraction: float, decimals: int = 2) -> str:
    """A fraction in percent.

    Args:
        fraction: Such as `0.5872`.
        decimals: Digits after the point.

    Example:
        >>> percent(0.5872), percent(0.5, 0)
        ('58.72 %', '50 %')
    """
    return f"{100 * fraction:.{decimals}f} %"


def share(fraction: float) -> str:
    """A fraction in whole percents; what is there but less than half a percent is never called 0 %.

    Example:
        >>> share(0.587), share(0.003), share(0.0)
        ('59 %', '<1 %', '0 %')
    """
    shown = percent(fraction, 0)
    return "<1 %" if shown == "0 %" and fraction > 0 else shown


def signed(value: float, decimals: int = 2) -> str:
    """A difference with its sign, a true minus sign where it is below 0.

    Args:
        value: In the unit in which it is shown, such as percentage points.
        decimals: Digits after the point.

    Example:
        >>> signed(1.5), signed(-0.25, decimals=1)
        ('+1.50', '−0.2')
    """  # noqa: RUF002
    return f"{value:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def few(names: Sequence[str], most: int = 5, *, count: bool = False) -> str:
    """The first of many names, for a sentence.

    Args:
        names: All of them.
        most: How many are named.
        count: Whether to say how many there are, where not all are named.

    Example:
        >>> few(["cat", "dog"]), few(["cat", "dog", "frog"], 2), few(["cat", "dog", "frog"], 2, count=True)
        ('cat, dog', 'cat, dog, ...', 'cat, dog, ... (3)')
    """
    rest = "" if len(names) <= most else f", ... ({len(names):,})" if count else ", ..."
    return ", ".join(names[:most]) + rest


def readable(name: str) -> str:
    r"""A file's name as text that can be printed and written: bytes that are not UTF-8 are escaped.

    Example:
        >>> readable("a/\udcff.png")
        'a/\\xff.png'
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape" if os.name == "posix" else "surrogatepass").decode(
            "utf-8", "backslashreplace"
        )
    return name
