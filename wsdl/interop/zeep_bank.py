#!/usr/bin/python3
"""Calls a bank as the gateway does, from the bank's WSDL alone.

A bank that builds its service from wsdl/bank-v1.wsdl can try it with this,
without a gateway: card, account, status, reversal and claim, each signed, and
each answer verified. Prints one JSON object.
"""
import argparse
import datetime
import json
import secrets
import sys
import uuid
from decimal import Decimal

import zeep
from zeep.helpers import serialize_object

from example_zeep import Signing, connect
from zeep_client import plain


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="https://HOST:PORT/bank/v1")
    parser.add_argument("--ca", required=True, help="PEM file with the roots of the bank's TLS certificate")
    parser.add_argument("--tls-cert", required=True, help="the gateway's TLS client certificate")
    parser.add_argument("--tls-key", required=True)
    parser.add_argument("--cert", required=True, help="the gateway's signing certificate")
    parser.add_argument("--key", required=True)
    parser.add_argument("--ec", action="store_true", help="the signing key is an EC key")
    parser.add_argument("--bank-cert", required=True, help="the bank's signing certificate")
    parser.add_argument("--bank", default="HALYK", help="the bank's id with the gateway")
    parser.add_argument("--card", default="4111111111111111")
    parser.add_argument("--account", default="KZ86125KZT5004100100")
    parser.add_argument("--amount", default="1200.00")
    args = parser.parse_args()

    bank = connect(args.address, args.ca, args.tls_cert, args.tls_key, Signing(args.key, args.cert, [args.bank_cert], args.ec)).service
    steps = []

    def call(operation, **fields):
        request_id = str(uuid.uuid4())
        answer = bank[operation](requestId=request_id, **fields)
        steps.append(dict(serialize_object(answer, dict), operation=operation, echoed=answer.requestId == request_id))

    order = dict(amount=Decimal(args.amount), currency="KZT", recipientIIN="850101300124", serviceCode="PASSPORT", providerId="MIA",
                 accountNo="KZ86125KZT5004100100", description="Паспорт & <баж>")
    card = dict(number=args.card, expiryMonth="12", expiryYear="2030", holderName="ALIYA S", cvc="123", salt=secrets.token_hex(32))
    first, second = "Z-" + uuid.uuid4().hex, "Z-" + uuid.uuid4().hex
    report = {"ok": True, "zeep": zeep.__version__}
    try:
        call("AuthorizeCard", attemptId=first, card=card, **order)
        call("GetStatus", attemptId=first)
        call("ReversePayment", attemptId=first, reason="a try")
        call("DebitAccount", attemptId=second, paymentId="P-" + second, payerAccount=args.account, **order)
        call("GetStatus", attemptId="Z-" + uuid.uuid4().hex)
        call("PayClaim", claimNumber="C-20261121-%s-KZT" % args.bank, kind="DAY", day=datetime.date(2026, 11, 21),
             dueAt=datetime.datetime(2026, 11, 25, 19, tzinfo=datetime.timezone.utc), count=1, amount=Decimal(args.amount), currency="KZT",
             accountNo="KZ86125KZT5004100100", registerNumber="B-20261121-%s-1" % args.bank)
    except Exception as error:  # whatever went wrong belongs in the report
        report.update(ok=False, error="%s: %s" % (type(error).__name__, error))
    report["steps"] = steps
    json.dump(report, sys.stdout, default=plain, ensure_ascii=False)
    print()
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
