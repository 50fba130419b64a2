"""Canonicalizes a batch of documents with libxml2, for comparison.

Reads from standard input, for each document: its length and bytes, the number
of the element in document order, the length and bytes of a prefix list
separated by spaces. Writes for each the length and bytes of the exclusive
canonical form, or the length 0xFFFFFFFF if libxml2 cannot parse the document,
or 0xFFFFFFFE if it cannot canonicalize it. Lengths are 32 bits, big-endian.
"""
import ctypes
import struct
import sys

NO_DOCUMENT, NO_CANONICAL = 0xFFFFFFFF, 0xFFFFFFFE
EXCLUSIVE = 1
# Entities are replaced: otherwise libxml2 keeps &amp; in namespace names as it stands.
PARSE_OPTIONS = 2 | 32 | 64 | 2048  # NOENT, NOERROR, NOWARNING, NONET

lib = ctypes.CDLL("libxml2.so.2")
for name in ("xmlReadMemory", "xmlXPathNewContext", "xmlXPathEvalExpression"):
    getattr(lib, name).restype = ctypes.c_void_p
lib.xmlReadMemory.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
lib.xmlXPathNewContext.argtypes = [ctypes.c_void_p]
lib.xmlXPathEvalExpression.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
lib.xmlC14NDocDumpMemory.argtypes = [
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int,
    ctypes.POINTER(ctypes.c_void_p)]
for name in ("xmlFreeDoc", "xmlXPathFreeContext", "xmlXPathFreeObject"):
    getattr(lib, name).argtypes = [ctypes.c_void_p]
    getattr(lib, name).restype = None
xmlFree = ctypes.CFUNCTYPE(None, ctypes.c_void_p).in_dll(lib, "xmlFree")

HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
silent = HANDLER(lambda ctx, err: None)
lib.xmlSetStructuredErrorFunc.argtypes = [ctypes.c_void_p, HANDLER]
lib.xmlSetStructuredErrorFunc(None, silent)


class XPathObject(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("nodeset", ctypes.c_void_p)]


def canonical(raw, element, prefixes):
    doc = lib.xmlReadMemory(raw, len(raw), b"d.xml", None, PARSE_OPTIONS)
    if not doc:
        return NO_DOCUMENT
    context = lib.xmlXPathNewContext(doc)
    one = b"(//*)[%d]/descendant-or-self::" % (element + 1)
    found = lib.xmlXPathEvalExpression(
        one + b"node() | " + one + b"*/@* | " + one + b"*/namespace::*", context)
    names = [p for p in prefixes.split(b" ") if p]
    array = (ctypes.c_char_p * (len(names) + 1))(*names, None)
    out = ctypes.c_void_p()
    nodes = XPathObject.from_address(found).nodeset
    n = lib.xmlC14NDocDumpMemory(doc, nodes, EXCLUSIVE, array, 0, ctypes.byref(out))
    result = NO_CANONICAL
    if n >= 0:
        result = ctypes.string_at(out, n)
        xmlFree(out)
    lib.xmlXPathFreeObject(found)
    lib.xmlXPathFreeContext(context)
    lib.xmlFreeDoc(doc)
    return result


def main():
    data = sys.stdin.buffer.read()
    out = []
    at = 0

    def number():
        nonlocal at
        at += 4
        return struct.unpack_from(">I", data, at - 4)[0]

    def piece():
        nonlocal at
        n = number()
        at += n
        return data[at - n:at]

    while at < len(data):
        raw, element, prefixes = piece(), number(), piece()
        result = canonical(raw, element, prefixes)
        if isinstance(result, int):
            out.append(struct.pack(">I", result))
        else:
            out.append(struct.pack(">I", len(result)))
            out.append(result)
    sys.stdout.buffer.write(b"".join(out))


main()
