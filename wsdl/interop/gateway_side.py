"""What scripts share that call a participant's service as the gateway does."""
import argparse
import json
import sys
import uuid

import zeep
from zeep.helpers import serialize_object

from example_zeep import Signing, connect
from zeep_client import plain


def arguments(description, example, whose):
    """Returns a parser with what every such call needs."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help=example)
    parser.add_argument("--ca", required=True, help="PEM file with the roots of the %s's TLS certificate" % whose)
    parser.add_argument("--tls-cert", required=True, help="the gateway's TLS client certificate")
    parser.add_argument("--tls-key", required=True)
    parser.add_argument("--cert", required=True, help="the gateway's signing certificate")
    parser.add_argument("--key", required=True)
    parser.add_argument("--ec", action="store_true", help="the signing key is an EC key")
    parser.add_argument("--%s-cert" % whose, dest="peer_cert", required=True, help="the %s's signing certificate" % whose)
    return parser


def report(args, play):
    """Has play(call) call operations, prints one JSON object, returns the exit code."""
    signing = Signing(args.key, args.cert, [args.peer_cert], args.ec)
    service = connect(args.address, args.ca, args.tls_cert, args.tls_key, signing).service
    said = {"ok": True, "zeep": zeep.__version__, "steps": []}

    def call(operation, **fields):
        request_id = str(uuid.uuid4())
        answer = service[operation](requestId=request_id, **fields)
        said["steps"].append(dict(serialize_object(answer, dict), operation=operation, echoed=answer.requestId == request_id))

    try:
        play(call)
    except Exception as error:  # whatever went wrong belongs in the report
        said.update(ok=False, error="%s: %s" % (type(error).__name__, error))
    json.dump(said, sys.stdout, default=plain, ensure_ascii=False)
    print()
    return 0 if said["ok"] else 1
