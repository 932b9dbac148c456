"""The XML of headers and footers, as programs really write it.

Senders that put XML together by hand leave `&` bare, write in the code page of their machine or let control
characters through. What can be read in only one way is read in that way.
"""

from __future__ import annotations

import codecs
import re
from xml.etree import ElementTree

MAX_XML_BYTES = 64 << 20

_BARE_AND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
_BARE_LESS = re.compile(r"<(?![A-Za-z_/!?])")
_DECLARED = re.compile(r"^<\?xml[^>]*\?>")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENTRIES = (
    "name", "type", "channel_count", "nominal_srate", "channel_format", "source_id", "hostname", "uid",
)  # fmt: skip
_OF_CHANNEL = ("label", "unit", "type", "scaling_factor")


def decoded(content: bytes) -> str:
    """Decode a text: UTF-8, UTF-16 where it begins so, or else the code page that Western Windows uses."""
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def parse_xml(content: bytes) -> tuple[ElementTree.Element, bool]:
    """Parse a header or footer; returns its root and whether it had to be mended for that.

    Raises
    ------
    ValueError
        Malformed beyond that, too large, or with a document type (its entities can grow without bound).
    """
    if len(content) > MAX_XML_BYTES:
        raise ValueError(f"{len(content)} bytes of XML, more than the {MAX_XML_BYTES} that are allowed")
    text = decoded(content).lstrip("\ufeff").strip().strip("\0")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("XML with a document type, which XDF does not use")
    text = _DECLARED.sub("", text, count=1)  # it is text by now, whatever bytes it was
    try:
        root = ElementTree.fromstring(text)
        return root, _without_namespaces(root)
    except (ElementTree.ParseError, ValueError):
        pass
    try:
        root = ElementTree.fromstring(_mended(text))
        _without_namespaces(root)
        return root, True
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"malformed XML ({error})") from None


def salvage_header(content: bytes) -> ElementTree.Element:
    """Gather what a stream header whose XML is broken still says: its entries and its channels' labels.

    Raises
    ------
    ValueError
        It does not say how many channels there are.
    """
    text = decoded(content[:MAX_XML_BYTES])
    root = ElementTree.Element("info")
    head = text.partition("<desc>")[0]
    for entry in _ENTRIES:
        if (found := _entry(head, entry)) is not None:
            ElementTree.SubElement(root, entry).text = found
    if root.find("channel_count") is None:
        raise ValueError("malformed XML that does not say how many channels there are")
    channels = ElementTree.SubElement(ElementTree.SubElement(root, "desc"), "channels")
    for part in re.findall(r"<channel>(.*?)</channel>", text, re.DOTALL):
        channel = ElementTree.SubElement(channels, "channel")
        for entry in _OF_CHANNEL:
            if (found := _entry(part, entry)) is not None:
                ElementTree.SubElement(channel, entry).text = found
    return root


def _entry(text: str, name: str) -> str | None:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return _NOT_XML.sub("", found[1]).strip() if found else None


def _without_namespaces(root: ElementTree.Element) -> bool:
    """Take the namespaces off all names; returns whether there were any."""
    named = [element for element in root.iter() if "}" in element.tag]
    for element in named:
        element.tag = element.tag.rpartition("}")[2]
    return bool(named)


def _mended(text: str) -> str:
    return _NOT_XML.sub("", _BARE_LESS.sub("&lt;", _BARE_AND.sub("&amp;", text)))
