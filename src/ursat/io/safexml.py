"""XML metadata without the parts of XML that attack the reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ursat.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 8 << 20  # real ones have less than one
_DECLARATIONS = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def read_limited(path: Path) -> bytes:
    """The bytes of a metadata file.

    Raises:
        InputError: unreadable, or over 8 MB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint="check the file's permissions") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: metadata over {MAX_BYTES >> 20} MB", hint="download the product again")
    return data


def parse_xml(path: Path) -> ET.Element:
    """The root element of a metadata file.

    Document type declarations and entities (external files, exponential expansion) are refused before the parser
    sees them; so are encodings other than UTF-8 and ASCII, in which they could hide.

    Raises:
        InputError: not well-formed, too large, or with a document type declaration.
    """
    data = read_limited(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:64] or not _plain_encoding(data[:200]):
        raise InputError(f"{path}: metadata is not in UTF-8", hint="download the product again")
    if _DECLARATIONS.search(data):
        raise InputError(
            f"{path}: XML with a document type declaration is refused", hint="no product has one; download it again"
        )
    try:
        return ET.fromstring(data)  # noqa: S314  (declarations are refused above)
    except (ET.ParseError, ValueError) as error:
        raise InputError(f"{path}: not well-formed XML ({error})", hint="download the product again") from error


def _plain_encoding(head: bytes) -> bool:
    match = re.search(rb"encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", head)
    return match is None or match[1].lower() in {b"utf-8", b"us-ascii", b"ascii"}


def tag(element: ET.Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def find_all(root: ET.Element, name: str) -> list[ET.Element]:
    """All elements of that name, whatever their namespace, in document order."""
    return [element for element in root.iter() if tag(element) == name]


def text_of(root: ET.Element, name: str) -> str | None:
    """The stripped text of the first element of that name that has any."""
    return next((e.text.strip() for e in find_all(root, name) if e.text and e.text.strip()), None)
