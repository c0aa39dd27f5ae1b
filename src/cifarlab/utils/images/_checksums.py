"""Checksums inside of picture files, which decoders do not compare: a flipped bit would be taken for the picture."""

import struct
import zlib

_SIGNATURE_BYTES = 8


def check_png(data: bytes) -> None:
    """Compare the CRC of each chunk that the picture is made of, up to the one that ends it.

    Raises:
        ValueError: If a checksum is wrong, or the file ends before its last chunk.
    """
    # A chunk: its length (4 bytes, big-endian), its kind (4), so many bytes of data, and the CRC (4) of kind and data.
    place = _SIGNATURE_BYTES
    while place + 12 <= len(data):
        (length,), kind = struct.unpack_from(">I", data, place), data[place + 4 : place + 8]
        end = place + 8 + length
        if end + 4 > len(data):
            break
        critical = not kind[0] & 0x20  # what begins with a small letter, as text and time, may be lost
        if critical and zlib.crc32(memoryview(data)[place + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise ValueError(f"the checksum of its {kind.decode('latin-1')} chunk is wrong")
        if kind == b"IEND":
            return
        place = end + 4
    raise ValueError("it ends before its last chunk")
