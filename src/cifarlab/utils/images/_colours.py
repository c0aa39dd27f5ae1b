"""Every mode and depth that Pillow knows, as 8-bit RGB: grey, palettes, transparency, inks, 16 bits and floats."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_STRIP = 256  # rows that are worked on at once, where a picture would else be copied whole
# What a PNG's transparent colour counts in, against the 8 bits that Pillow unpacks the samples to.
_TO_8_BITS = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 256}


def packing(image: Image.Image) -> str:
    """How the file packs its samples, such as `"L;4"`: known only until the picture is loaded."""
    tiles = getattr(image, "tile", [])
    arguments = tiles[0].args if tiles else ""
    return arguments if isinstance(arguments, str) else ""


def to_rgb(image: Image.Image, packed: str = "") -> Image.Image:
    """A loaded picture in mode RGB, what is transparent laid over white.

    Args:
        image: Of any mode.
        packed: What `packing` said of it, if it comes from a file.

    Raises:
        ValueError: If it holds values that are not finite.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
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
    """Strip by strip: of a large picture three more copies would be made."""
    whole = Image.new("RGB", image.size)
    for top in range(0, image.height, _STRIP):
        strip = image.crop((0, top, image.width, min(top + _STRIP, image.height)))
        white = Image.new("RGBA", strip.size, "white")
        whole.paste(Image.alpha_composite(white, strip.convert("RGBA")).convert("RGB"), (0, top))
    return whole


def _scale_transparent_colour(image: Image.Image, packed: str) -> None:
    """PNG gives the transparent colour in the depth of the file; Pillow's pixels have 8 bits."""
    factor, colour = _TO_8_BITS.get(packed), image.info.get("transparency")
    if factor is None or colour is None:
        return
    scaled = [int(value * factor) for value in np.atleast_1d(colour).tolist()]
    image.info["transparency"] = tuple(scaled) if len(scaled) > 1 else scaled[0]


def _from_deep(image: Image.Image) -> Image.Image:
    """Grey values of 16 or 32 bits, or floats."""
    values = np.asarray(image)
    low, high = _span(values, image)
    transparent = image.info.get("transparency")
    grey = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _STRIP):  # strip by strip: doubles take eight times the room of bytes
        strip = values[top : top + _STRIP]
        grey[top : top + _STRIP] = _to_bytes(strip, low, high)
        if isinstance(transparent, int):
            grey[top : top + _STRIP][strip == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def _span(values: NDArray[np.generic], image: Image.Image) -> tuple[float, float]:
    """Which value of 16-bit, 32-bit and float grey is black, and which white.

    16-bit files span 0..65535 by definition. In the others the values tell: within 0..1 (floats), 0..255 and 0..65535
    they are taken as such; outside of these, the smallest becomes black and the largest white.
    """
    low, high = float(values.min()), float(values.max())  # of NaN and others, NaN
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("it holds values that are not finite")
    # PNG and PPM have no deeper grey than 16 bits, though Pillow may open them in mode I, which has 32.
    if image.mode.startswith("I;16") or image.format in ("PNG", "PPM"):
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
