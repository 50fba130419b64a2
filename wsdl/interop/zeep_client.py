#!/usr/bin/python3
"""Calls every operation of the gateway with zeep, for the end-to-end tests.

It prints one JSON object: {"ok": …, "steps": [{"operation", "result" or
"fault", "answer"} …]}. A step is recorded only after the signature of its
answer, or of its fault, was verified. Scenarios:

  bank     ListServices, IssueCode, NotifyPayment, the same again, GetOutcome,
           IssueCode and CancelCode of a second code
  portal   GetPayment, ValidateCode, CloseCode, CloseCode once more, GetReceipt;
           of the code given by --code
  page     StartCardPayment of the code --code, StartAccountPayment, GetCheckout
  centre   ValidateCode and CloseCode as a service centre, of the code --code
  registers  ListRegisters, GetRegister in rows and as a file of two parts,
           AcknowledgeRegister with objections and without, SubmitRegister,
           GetReconciliation, ListClaims, AnswerClaim, GetReport
  bills    SubmitBills of two accounts
  faults   a changed Body, a message of SHA-1, an unsigned one, a field out of
           the contract
  call     the operation --operation with the --fields, a JSON object
"""
import base64
import datetime
import json
import sys
import uuid
from decimal import Decimal

import xmlsec
import zeep
from lxml import etree
from zeep.helpers import serialize_object
from zeep.wsse.signature import Signature

from example_zeep import Signing, arguments, connect

# Values that are easily spoilt on the way: markup, letters beyond Latin and
# beyond the basic plane, a zone.
NAME = "Әлия «Ұлы дала» & <Co> O'Neil \U0001F600"
PAID_AT = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=5)))


def new_id():
    return str(uuid.uuid4())


class Steps:
    """Calls operations and records what came back."""

    def __init__(self, client):
        self.client, self.service, self.done = client, client.service, []

    def __call__(self, operation, requestId=None, **fields):
        step = {"operation": operation, "requestId": requestId or new_id()}
        try:
            answer = self.service[operation](requestId=step["requestId"], **fields)
        except zeep.exceptions.Fault as fault:
            step["fault"] = self.fault(fault)
            answer = None
        else:
            step["answer"] = serialize_object(answer, dict)
            step["result"] = answer.resultCode
            step["echoed"] = answer.requestId == step["requestId"]
        self.done.append(step)
        return answer

    def fault(self, fault):
        detail = fault.detail.find("{urn:tolem:gateway:v1}GatewayFault")
        typed = self.client.get_element("{urn:tolem:gateway:v1}GatewayFault").parse(detail, self.client.wsdl.types)
        return {"faultcode": str(fault.code), "text": fault.message, **serialize_object(typed, dict)}


class Altered(Signing):
    """Changes the Body after it was signed."""

    def apply(self, envelope, headers):
        envelope, headers = super().apply(envelope, headers)
        next(envelope.iter("{urn:tolem:gateway:v1}amount")).text = "1.00"
        return envelope, headers


class Sha1(Signing):
    """Signs as zeep does by default."""

    def apply(self, envelope, headers):
        ec = self.signature_method == xmlsec.Transform.ECDSA_SHA256
        self.signature_method = xmlsec.Transform.ECDSA_SHA1 if ec else xmlsec.Transform.RSA_SHA1
        self.digest_method = xmlsec.Transform.SHA1
        return super().apply(envelope, headers)


class X509Data(Signing):
    """Puts the certificate into KeyInfo instead of a token (zeep's Signature)."""

    def apply(self, envelope, headers):
        self.add_timestamp(envelope)
        return Signature.apply(self, envelope, headers)


class Unsigned(Signing):
    """Does not sign at all."""

    def apply(self, envelope, headers):
        return envelope, headers


def order(args):
    return dict(
        serviceCode=args.service, providerId=args.provider, recipientIIN=args.iin, recipientName=NAME,
        amount=Decimal(args.amount), currency="KZT", channel=args.channel, onBehalfOf=args.on_behalf_of,
    )


def bank(call, args):
    call("ListServices")
    issued = call("IssueCode", **order(args))
    payment = dict(
        order(args), paymentCode=issued.paymentCode, bankId=args.bank, bankRef="ref & <" + new_id()[:8] + ">",
        paidAt=PAID_AT, accountNo="KZ86125KZT5004100100",
    )
    paid = call("NotifyPayment", **payment)
    call("NotifyPayment", requestId=paid.requestId, **payment)
    outcome = call("GetOutcome", ofRequestId=paid.requestId)
    if outcome is not None and outcome.answer:
        call.client.wsse.verify(etree.fromstring(outcome.answer))
    second = call("IssueCode", **order(args))
    call("CancelCode", paymentCode=second.paymentCode, reason="changed his mind & left")


def portal(call, args):
    number = "order/" + new_id()[:8]
    call("GetPayment", paymentCode=args.code)
    call("ValidateCode", paymentCode=args.code, requestNo=number, recipientIIN=args.iin, serviceCode=args.service)
    call("CloseCode", paymentCode=args.code, closeId=new_id(), requestNo=number)
    call("CloseCode", paymentCode=args.code, closeId=new_id(), requestNo=number)
    call("GetReceipt", paymentCode=args.code)


def page(call, args):
    common = dict(recipientIIN=args.iin, serviceCode=args.service, amount=Decimal(args.amount), currency="KZT",
                  details="a copy & a stamp", returnAddress="https://portal.kz/back?order=1&x=2", language="kk")
    call("StartCardPayment", paymentCode=args.code, **common)
    started = call("StartAccountPayment", providerId=args.provider, recipientName=NAME, requestNo="order/1", **common)
    call("GetCheckout", paymentId=started.paymentId)


def centre(call, args):
    who = dict(centreId="centre 7", operatorId="op-" + new_id()[:8])
    call("ValidateCode", paymentCode=args.code, **who)
    call("CloseCode", paymentCode=args.code, closeId=new_id(), **who)


def registers(call, args):
    listed = call("ListRegisters", **{"from": "2026-11-01", "kind": "bank"})
    number = listed.registers.register[0].number
    call("GetRegister", number=number, form="ROWS", fromLine=1, maxRows=500)
    part, parts = 1, 1
    while part <= parts:
        answer = call("GetRegister", kind="bank", day="2026-11-21", form="CSV", part=part)
        part, parts = part + 1, answer.file.parts
    objections = [dict(reason="AMOUNT", line=1, text="1200 < 1300"), dict(reason="TOTALS")]
    call("AcknowledgeRegister", number=number, verdict="REJECT", objection=objections)
    call("AcknowledgeRegister", number=number, verdict="ACK")
    rows = b"paymentCode;amount;currency\r\n"
    submitted = call("SubmitRegister", listId="list 1", day="2026-11-21", part=1, parts=1, content=[rows[:10], rows[10:]])
    call("GetReconciliation", number=submitted.number, form="ROWS", maxRows=200)
    claims = call("ListClaims", to="2026-11-30")
    call("AnswerClaim", number=claims.claims.claim[0].number, answer="DISPUTED", note="one was returned")
    call("GetReport", **{"from": "2026-11-01", "to": "2026-11-30", "period": "week", "by": ["channel", "hour"], "form": "CSV", "language": "kk"})


def bills(call, args):
    now = datetime.datetime.now(datetime.timezone.utc)
    owed = dict(serviceCode=args.service, amount=Decimal("12.50"), invoiceNo="2026/7", period="2026-10")
    account = dict(number="A-100", holder=NAME, address="Bakı, Nizami küç. 1", detail=[dict(label="Sayğac", value="77")], bill=[owed])
    call("SubmitBills", asOf=now, paidUntil=now - datetime.timedelta(days=1), currency="AZN", account=[account, dict(number="A-200", closed=True)])


def faults(call, args):
    sound = call.client.wsse
    for kind in (Altered, Sha1, Unsigned):
        call.client.wsse = kind(args.key, args.cert, args.gateway_cert, args.ec)
        call("IssueCode", **order(args))
    call.client.wsse = sound
    call("IssueCode", **dict(order(args), channel="PIGEON"))


def single(call, args):
    fields = json.loads(args.fields)
    if "amount" in fields:
        fields["amount"] = Decimal(fields["amount"])
    if "paidAt" in fields:
        fields["paidAt"] = datetime.datetime.fromisoformat(fields["paidAt"])
    call(args.operation, **fields)


def plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    return str(value)


def main():
    scenarios = {"bank": bank, "portal": portal, "page": page, "centre": centre, "registers": registers, "bills": bills, "faults": faults, "call": single}
    parser = arguments()
    parser.description = __doc__
    parser.add_argument("--scenario", choices=sorted(scenarios), required=True)
    parser.add_argument("--code", help="payment code for portal and centre")
    parser.add_argument("--channel", default="INTERNET_BANKING")
    parser.add_argument("--on-behalf-of")
    parser.add_argument("--operation")
    parser.add_argument("--fields", default="{}")
    parser.add_argument("--x509data", action="store_true", help="send the certificate in KeyInfo")
    parser.add_argument("--soap12", action="store_true")
    args = parser.parse_args()

    signing = (X509Data if args.x509data else Signing)(args.key, args.cert, args.gateway_cert, args.ec)
    client = connect(args.address, args.ca, args.tls_cert, args.tls_key, signing)
    call = Steps(client)
    if args.soap12:
        call.service = client.bind("GatewayService", "GatewayPortSoap12")
    report = {"ok": True, "zeep": zeep.__version__}
    try:
        scenarios[args.scenario](call, args)
    except Exception as error:  # whatever went wrong belongs in the report
        report.update(ok=False, error="%s: %s" % (type(error).__name__, error))
    report["steps"] = call.done
    json.dump(report, sys.stdout, default=plain, ensure_ascii=False)
    print()
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
