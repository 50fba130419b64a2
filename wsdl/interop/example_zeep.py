#!/usr/bin/python3
"""How a bank calls the payment gateway from Python with zeep.

    apt install python3-zeep python3-xmlsec        (or: pip install zeep xmlsec)

Everything about messages comes from the WSDL; no XML is written by hand. What
zeep does not bring is in class Signing: a signed Timestamp on the way out, and
on the way in the check that the answer is the gateway's and is signed where it
matters.
"""
import argparse
import base64
import datetime
import ssl
import uuid
from decimal import Decimal

import requests
import xmlsec
import zeep
from zeep import ns
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature
from zeep.wsse.utils import WSU, ensure_id, get_security_header

ALLOWED = {  # zeep's own default is SHA-1, which the gateway refuses
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
}


class Signing(BinarySignature):
    """Signs requests with our key; accepts what the gateway's keys signed."""

    def __init__(self, key_file, cert_file, gateway_certs, ec=False):
        method = xmlsec.Transform.ECDSA_SHA256 if ec else xmlsec.Transform.RSA_SHA256
        super().__init__(key_file, cert_file, None, method, xmlsec.Transform.SHA256)
        self.gateway = [ssl.PEM_cert_to_DER_cert(open(f).read()) for f in gateway_certs]

    def apply(self, envelope, headers):
        self.add_timestamp(envelope)
        return super().apply(envelope, headers)  # signs Body and Timestamp

    def add_timestamp(self, envelope):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        get_security_header(envelope).append(
            WSU.Timestamp(
                WSU.Created(stamp(now)),
                WSU.Expires(stamp(now + datetime.timedelta(minutes=5))),
            )
        )

    def verify(self, envelope):
        header, body = envelope  # exactly these two
        (security,) = header.findall("{%s}Security" % ns.WSSE)
        (signature,) = security.findall("{%s}Signature" % ns.DS)
        (timestamp,) = security.findall("{%s}Timestamp" % ns.WSU)
        (token,) = security.findall("{%s}BinarySecurityToken" % ns.WSSE)

        certificate = base64.b64decode(token.text)
        if certificate not in self.gateway:
            raise SignatureVerificationFailed("not signed by the gateway")
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_DER, None)
        for element in (body, timestamp):
            context.register_id(element, "Id", ns.WSU)
        if any(a not in ALLOWED for a in signature.xpath("ds:SignedInfo//@Algorithm", namespaces={"ds": ns.DS})):
            raise SignatureVerificationFailed("algorithm not allowed")
        signed = signature.xpath("ds:SignedInfo/ds:Reference/@URI", namespaces={"ds": ns.DS})
        if not {"#" + ensure_id(body), "#" + ensure_id(timestamp)} <= set(signed):
            raise SignatureVerificationFailed("Body or Timestamp is not signed")
        try:
            context.verify(signature)
        except xmlsec.Error:
            raise SignatureVerificationFailed("signature is wrong") from None

        expires = timestamp.findtext("{%s}Expires" % ns.WSU)
        if datetime.datetime.fromisoformat(expires.replace("Z", "+00:00")) < datetime.datetime.now(datetime.timezone.utc):
            raise SignatureVerificationFailed("message has expired")
        return envelope


def connect(address, ca, tls_cert, tls_key, signing):
    """Returns a zeep client for the gateway at the address."""
    session = requests.Session()
    session.trust_env = False  # or REQUESTS_CA_BUNDLE would take the place of our roots
    session.verify = ca
    session.cert = (tls_cert, tls_key)
    transport = zeep.Transport(session=session, timeout=30, operation_timeout=30)
    return zeep.Client(address + "?wsdl", wsse=signing, transport=transport)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="https://HOST:PORT/soap/v1")
    parser.add_argument("--ca", required=True, help="PEM file with the roots of the gateway's TLS certificate")
    parser.add_argument("--tls-cert", required=True, help="our TLS client certificate")
    parser.add_argument("--tls-key", required=True)
    parser.add_argument("--cert", required=True, help="our signing certificate")
    parser.add_argument("--key", required=True)
    parser.add_argument("--ec", action="store_true", help="our signing key is an EC key")
    parser.add_argument("--gateway-cert", required=True, action="append", help="a signing certificate of the gateway; repeat for each")
    parser.add_argument("--bank", default="BANK1", help="our id, as registered with the gateway operator")
    parser.add_argument("--service", default="PASSPORT")
    parser.add_argument("--provider", default="MIA")
    parser.add_argument("--iin", default="850101300005", help="who receives the service")
    parser.add_argument("--amount", default="1200.00")
    return parser


def main():
    args = arguments().parse_args()
    signing = Signing(args.key, args.cert, args.gateway_cert, args.ec)
    gateway = connect(args.address, args.ca, args.tls_cert, args.tls_key, signing).service
    order = dict(
        serviceCode=args.service, providerId=args.provider, recipientIIN=args.iin, recipientName="Айгүл Серікқызы",
        amount=Decimal(args.amount), currency="KZT", channel="INTERNET_BANKING",
    )

    issued = gateway.IssueCode(requestId=str(uuid.uuid4()), **order)
    if issued.resultCode != "OK":
        raise SystemExit("refused: %s, %s" % (issued.resultCode, issued.resultText))
    print("payment code", issued.paymentCode, "valid until", issued.expiresAt)

    # … take the money, then tell the gateway. Keep the requestId: if the answer
    # gets lost, send the same again, or ask GetOutcome(ofRequestId=request_id).
    request_id = str(uuid.uuid4())
    paid = gateway.NotifyPayment(
        requestId=request_id, paymentCode=issued.paymentCode, bankId=args.bank, bankRef=uuid.uuid4().hex,
        paidAt=datetime.datetime.now(datetime.timezone.utc), accountNo="KZ86125KZT5004100100", **order
    )
    if paid.requestId != request_id:
        raise SystemExit("the answer is for another request")
    print("payment recorded at", paid.receivedAt, "result", paid.resultCode)


if __name__ == "__main__":
    main()
