"""The code signature of a Mach-O file: a hash of each page, in a structure of big-endian words."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

SUPER_BLOB = 0xFADE0CC0
CODE_DIRECTORY = 0xFADE0C02
HASHES = {1: hashlib.sha1, 2: hashlib.sha256}


def signature_faults(image: bytes, offset: int) -> Iterator[str]:
    """Yield what is wrong with the signature at an offset of a file that holds one architecture."""
    magic, _, count = struct.unpack_from(">3I", image, offset)
    if magic != SUPER_BLOB:
        yield "the code signature is none"
        return
    directories = 0
    for i in range(count):
        (blob,) = struct.unpack_from(">4xI", image, offset + 12 + 8 * i)
        if struct.unpack_from(">I", image, offset + blob)[0] == CODE_DIRECTORY:
            directories += 1
            yield from _page_faults(image, offset, offset + blob)
    if not directories:
        yield "the code signature has no code directory"


def _page_faults(image: bytes, signature: int, directory: int) -> Iterator[str]:
    hashes, _, _, pages, limit = struct.unpack_from(">5I", image, directory + 16)
    hash_size, hash_type, page_bits = struct.unpack_from(">2BxB", image, directory + 36)
    page_size = 1 << page_bits
    if limit != signature:
        yield f"the code signature covers {limit} bytes, not the {signature} before it"
    if pages != -(-limit // page_size):
        yield f"the code signature has {pages} pages of {page_size} bytes for {limit} bytes"
    for page in range(pages):
        start = page * page_size
        found = HASHES[hash_type](image[start : min(start + page_size, limit)]).digest()
        wanted = directory + hashes + page * hash_size
        if found[:hash_size] != image[wanted : wanted + hash_size]:
            yield f"page {page} differs from its hash in the code signature"
