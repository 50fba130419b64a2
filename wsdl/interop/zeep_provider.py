#!/usr/bin/python3
"""Asks an organisation's own system about accounts as the gateway does, from its
WSDL alone.

An organisation that builds its service from wsdl/provider-v1.wsdl can try it with
this, without a gateway: each question is signed, and each answer verified. Prints
one JSON object.
"""
import sys

from gateway_side import arguments, report


def main():
    parser = arguments(__doc__, "https://HOST:PORT/provider/v1", "provider")
    parser.add_argument("--provider", required=True, help="the organisation's id with the gateway")
    parser.add_argument("--account", required=True, action="append", help="an account to ask about; repeat for each")
    args = parser.parse_args()

    def play(call):
        for account in args.account:
            call("LookupAccount", providerId=args.provider, accountNo=account)

    return report(args, play)


if __name__ == "__main__":
    sys.exit(main())
