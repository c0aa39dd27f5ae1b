"""Numbers in sentences: `1 run`, `2 runs`."""


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
