"""Rearranges the bytes of an array before it is sent, so that its compressed size is smaller by a third.

In a smooth surface, the first bytes of all numbers are similar, and the last ones are not. General compressors work
better if the bytes are grouped by their position in the number; this is the "shuffle" filter of HDF5 and Blosc. Runs
are never stored in this form. Only compact exports use it, and the server if a client asks for it.
"""

from __future__ import annotations

import io
import math

import numpy as np

#: The media type in the header ``Accept`` of a client that understands byte planes.
MEDIA_TYPE = "application/x-lossatlas-byte-planes"
#: It replaces ``\\x93NUMPY``, so that no reader of .npy files mistakes the bytes for numbers in the usual order.
MAGIC = b"\x93PLANE"


def to_byte_planes(npy: bytes) -> bytes:
    """Rearrange the bytes of a .npy file.

    The data are divided into blocks of the last two axes; an array with fewer than three axes is a single block. In
    each block, byte 0 of all numbers comes first, then byte 1 of all numbers, and so on. The header is unchanged except
    for the magic.

    Parameters
    ----------
    npy
        The bytes of the file.

    Returns
    -------
    bytes
        The rearranged bytes. Arrays with numbers of one byte, and arrays that are not in C order, are unchanged.
    """
    file = io.BytesIO(npy)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(file)
    if dtype.itemsize == 1 or fortran_order or 0 in shape:
        return npy
    count = math.prod(shape[-2:]) if len(shape) > 2 else math.prod(shape)
    numbers = np.frombuffer(npy, np.uint8, offset=file.tell()).reshape(-1, count, dtype.itemsize)
    return MAGIC + npy[len(MAGIC) : file.tell()] + numbers.swapaxes(1, 2).tobytes()
