"""Pictures from anywhere: any format PIL reads, turned into the small square RGB arrays that the models take."""

from cifarlab.utils.images._errors import PictureError, say_unreadable
from cifarlab.utils.images._formats import endings
from cifarlab.utils.images._listing import (
    find_pictures,
    is_litter,
    is_within,
    list_pictures,
    say_left_out,
    subfolders,
)
from cifarlab.utils.images._opening import MAX_PIXELS, MAX_STREAM_BYTES
from cifarlab.utils.images._reading import (
    READER,
    Picture,
    Pixels,
    encode_png,
    picture_size,
    read_each,
    read_image,
    shrink,
    to_grey,
)

__all__ = [
    "MAX_PIXELS",
    "MAX_STREAM_BYTES",
    "READER",
    "Picture",
    "PictureError",
    "Pixels",
    "encode_png",
    "endings",
    "find_pictures",
    "is_litter",
    "is_within",
    "list_pictures",
    "picture_size",
    "read_each",
    "read_image",
    "say_left_out",
    "say_unreadable",
    "shrink",
    "subfolders",
    "to_grey",
]
