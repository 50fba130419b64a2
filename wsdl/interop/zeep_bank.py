#!/usr/bin/python3
"""Calls a bank as the gateway does, from the bank's WSDL alone.

A bank that builds its service from wsdl/bank-v1.wsdl can try it with this,
without a gateway: card, account, status, reversal and claim, each signed, and
each answer verified. Prints one JSON object.
"""
import datetime
import secrets
import sys
import uuid
from decimal import Decimal

from gateway_side import arguments, report


def main():
    parser = arguments(__doc__, "https://HOST:PORT/bank/v1", "bank")
    parser.add_argument("--bank", default="HALYK", help="the bank's id with the gateway")
    parser.add_argument("--card", default="4111111111111111")
    parser.add_argument("--account", default="KZ86125KZT5004100100")
    parser.add_argument("--amount", default="1200.00")
    args = parser.parse_args()

    order = dict(amount=Decimal(args.amount), currency="KZT", recipientIIN="850101300124", serviceCode="PASSPORT", providerId="MIA",
                 accountNo="KZ86125KZT5004100100", description="Паспорт & <баж>")
    card = dict(number=args.card, expiryMonth="12", expiryYear="2030", holderName="ALIYA S", cvc="123", salt=secrets.token_hex(32))
    first, second = "Z-" + uuid.uuid4().hex, "Z-" + uuid.uuid4().hex

    def play(call):
        call("AuthorizeCard", attemptId=first, card=card, **order)
        call("GetStatus", attemptId=first)
        call("ReversePayment", attemptId=first, reason="a try")
        call("DebitAccount", attemptId=second, paymentId="P-" + second, payerAccount=args.account, **order)
        call("GetStatus", attemptId="Z-" + uuid.uuid4().hex)
        call("PayClaim", claimNumber="C-20261121-%s-KZT" % args.bank, kind="DAY", day=datetime.date(2026, 11, 21),
             dueAt=datetime.datetime(2026, 11, 25, 19, tzinfo=datetime.timezone.utc), count=1, amount=Decimal(args.amount), currency="KZT",
             accountNo="KZ86125KZT5004100100", registerNumber="B-20261121-%s-1" % args.bank)

    return report(args, play)


if __name__ == "__main__":
    sys.exit(main())
