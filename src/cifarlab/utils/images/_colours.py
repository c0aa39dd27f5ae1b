"""Every mode and depth that Pillow knows, as 8-bit RGB: grey, palettes, transparency, inks, 16 bits and floats."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_STRIP = 256  # rows of a large picture that are worked on at once
# What a PNG's transparent colour counts in, against the 8 bits that Pillow unpacks the samples to.
_TO_8_BITS = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 256}


def packing(image: Image.Image) -> str:
    """How the file packs its samples, such as `"L;4"`: known only until the picture is loaded."""
    tiles = getattr(image, "tile", [])
    arguments = tiles[0].args if tiles else ""
    return arguments if isinstance(arguments, str) else ""


def reduce_to_rgb(
    image: Image.Image, box: tuple[int, int, int, int], factor: int, packed: str, span: tuple[float, float] | None
) -> Image.Image:
    """Part of a loaded picture in mode RGB, what is transparent laid over white, reduced by whole pixels.

    Strip by strip: a copy of a large picture takes hundreds of megabytes.

    Args:
        image: Of any mode.
        box: Left, top, right and bottom of the part.
        factor: The mean of so many pixels, across and down, becomes one.
        packed: What `packing` said of it.
        span: What `measure_span` said of it.
    """
    if image.mode == "RGB" and factor == 1 and not (span or image.has_transparency_data):
        return image if box == (0, 0, *image.size) else image.crop(box)  # of a small picture half of the work
    left, upper, right, lower = box
    whole = Image.new("RGB", (-(-(right - left) // factor), -(-(lower - upper) // factor)))
    step = factor * max(1, _STRIP // factor)
    for top in range(upper, lower, step):
        strip = _to_rgb(image.crop((left, top, right, min(top + step, lower))), packed, span)
        whole.paste(strip.reduce(factor), (0, (top - upper) // factor))
    return whole


def _to_rgb(image: Image.Image, packed: str, span: tuple[float, float] | None) -> Image.Image:
    if span:
        return _from_deep(image, *span)
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return converted if converted is not None else image
    if image.mode == "La":  # Pillow takes it no further than to LA
        image = image.convert("LA")
    if image.has_transparency_data:
        _scale_transparent_colour(image, packed)
        return _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _scale_transparent_colour(image: Image.Image, packed: str) -> None:
    """PNG gives the transparent colour in the depth of the file; Pillow's pixels have 8 bits."""
    factor, colour = _TO_8_BITS.get(packed), image.info.get("transparency")
    if factor is None or colour is None:
        return
    scaled = [int(value * factor) for value in np.atleast_1d(colour).tolist()]
    image.info["transparency"] = tuple(scaled) if len(scaled) > 1 else scaled[0]


def _from_deep(image: Image.Image, low: float, high: float) -> Image.Image:
    values = np.asarray(image)
    grey = _to_bytes(values, low, high)
    if isinstance(transparent := image.info.get("transparency"), int):
        grey[values == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def measure_span(image: Image.Image) -> tuple[float, float] | None:
    """Which value of 16-bit, 32-bit and float grey is black, and which white; None of pictures in any other mode.

    16-bit files span 0..65535 by definition. In the others the values tell: within 0..1 (floats), 0..255 and 0..65535
    they are taken as such; outside of these, the smallest becomes black and the largest white.

    Raises:
        ValueError: If it holds values that are not finite.
    """
    if not (image.mode.startswith("I") or image.mode == "F"):
        return None
    tops = range(0, image.height, _STRIP)
    strips = (image.crop((0, top, image.width, min(top + _STRIP, image.height))) for top in tops)
    spans = np.array([(values.min(), values.max()) for values in map(np.asarray, strips)], np.float64)
    low, high = float(spans[:, 0].min()), float(spans[:, 1].max())  # of NaN and others, NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("it holds values that are not finite")
    # PNG and PPM have no deeper grey than 16 bits, though Pillow may open them in mode I, which has 32.
    if image.mode.startswith("I;16") or (image.format in ("PNG", "PPM") and image.mode != "F"):  # a PFM has floats
        return 0.0, 65535.0
    if low >= 0 and high <= 65535:
        limits = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
        return 0.0, next(limit for limit in limits if high <= limit)
    return low, high


def _to_bytes(raw: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Values scaled from `low`..`high` to 0..255."""
    values = raw.astype(np.float64)
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    result: NDArray[np.uint8] = np.rint(scaled).astype(np.uint8)
    return result
