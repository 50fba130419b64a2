"""Signs and verifies envelopes with zeep's WS-Security, which is xmlsec's.

Reads a JSON list of tasks from standard input and writes a JSON list of
results: {"do": "sign", "form": "binary" or "x509data", "method", "digest",
"key", "cert", "envelope"} gives the signed envelope, {"do": "verify", "cert",
"envelope"} gives "ok"; an exception gives "error: ...".
"""
import json
import sys

import xmlsec
from lxml import etree
from zeep.wsse.signature import BinarySignature, MemorySignature, Signature


def run(task):
    envelope = etree.fromstring(task["envelope"].encode())
    if task["do"] == "verify":
        MemorySignature(b"", task["cert"].encode()).verify(envelope)
        return "ok"
    kind = {"binary": BinarySignature, "x509data": Signature}[task["form"]]
    signer = kind(
        task["key"], task["cert"],
        signature_method=getattr(xmlsec.Transform, task["method"]),
        digest_method=getattr(xmlsec.Transform, task["digest"]))
    envelope, _ = signer.apply(envelope, {})
    return etree.tostring(envelope).decode()


def safely(task):
    try:
        return run(task)
    except Exception as e:
        return "error: %s: %s" % (type(e).__name__, e)


json.dump([safely(task) for task in json.load(sys.stdin)], sys.stdout)
