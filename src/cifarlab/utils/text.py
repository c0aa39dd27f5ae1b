"""Numbers and names in sentences: `1 run`, `2 runs`, `2 min 10 s`, `58.72 %`, `+1.50`."""

import contextlib
import math
import os
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal


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


def rounded(value: float, decimals: int) -> str:
    """A number as people round it: a half goes up, whatever the binary number nearest to it is.

    `f"{48.15:.1f}"` is 48.1 and `f"{100 * 0.4815:.1f}"` 48.2: neither is wrong, and a reader finds two numbers. Here a
    half is one also where it went through float32, whose seventh digit is off.

    Args:
        value: Any number, of the size of a percentage.
        decimals: Digits after the point.

    Example:
        >>> rounded(48.15, 1), rounded(100 * 0.4815, 1), rounded(48.149999976, 1), rounded(-0.004, 2)
        ('48.2', '48.2', '48.2', '0.00')
    """
    if not math.isfinite(value):
        return f"{value}"
    nearly = round(Decimal(float(value)), max(5, decimals + 3))
    return f"{nearly.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) + 0:f}"


def in_percent(fraction: float, decimals: int = 2) -> str:
    """A fraction times a hundred, without the sign: the one place that rounds percentages.

    Example:
        >>> in_percent(0.4815, 1)
        '48.2'
    """
    return rounded(100 * float(fraction), decimals)


def percent(fraction: float, decimals: int = 2) -> str:
    """A fraction in percent.

    Args:
        fraction: Such as `0.5872`.
        decimals: Digits after the point.

    Example:
        >>> percent(0.5872), percent(0.5, 0)
        ('58.72 %', '50 %')
    """
    return f"{in_percent(fraction, decimals)} %"


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
        ('+1.50', '−0.3')
    """  # noqa: RUF002
    shown = rounded(value, decimals)
    return shown.replace("-", "\N{MINUS SIGN}") if shown.startswith("-") else f"+{shown}"


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
        with contextlib.suppress(UnicodeEncodeError):  # of half a character from JSON, which is in no file's name
            return name.encode("utf-8", "surrogateescape" if os.name == "posix" else "surrogatepass").decode(
                "utf-8", "backslashreplace"
            )
        return name.encode("utf-8", "backslashreplace").decode()
    return name
