package signing

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

const contract = "urn:tolem:gateway:v1"

func TestReadRequest(t *testing.T) {
	id := testIdentity(t, "p256")
	raw, err := testSigner(t, id).Sign(SOAP11, []byte(paymentPayload), testTime)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := NewVerifier(rosterOf(id), nil).Verify(raw, testTime)
	if err != nil {
		t.Fatal(err)
	}
	name, fields, err := NewReader(contract).Read(verified.Body)
	if err != nil || name != "NotifyPayment" || len(fields) != 8 {
		t.Fatalf("%s, %v, %v", name, fields, err)
	}
	if fields[0].Name != "requestId" || !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == "recipientName" && f.Value == "Әлия & Co <K>" }) {
		t.Errorf("fields are %v", fields)
	}
}

func TestReadRequestForms(t *testing.T) {
	body := func(content string) string { return `<s:Body xmlns:s="` + soap11URI + `">` + content + `</s:Body>` }
	const ns, xsi = ` xmlns="` + contract + `"`, ` xmlns:xsi="` + xsiURI + `"`
	for doc, want := range map[string]bool{
		body(`<Op` + ns + `><a>1</a></Op>`):                                           true,
		body(`<Op` + ns + `></Op>`):                                                   true,
		body(`<Op` + ns + `><a/> <a> 1 </a></Op>`):                                    true,
		body(`<Op` + ns + xsi + ` xsi:schemaLocation="x"><a xsi:type="y">1</a></Op>`): true,
		body(`<Op` + ns + xsi + `><a xsi:nil="true"/></Op>`):                          false,
		body(`<Op` + ns + ` x="1"><a>1</a></Op>`):                                     false,
		body(`<Op` + ns + `><a x="1">1</a></Op>`):                                     false,
		body(`<Op` + ns + `>text<a>1</a></Op>`):                                       false,
		body(`<Op` + ns + `><a> <b/><b>1</b> </a></Op>`):                              true,
		body(`<Op` + ns + `><a><b><c/></b></a></Op>`):                                 true,
		body(`<Op` + ns + `><a><b>text<c/></b></a></Op>`):                             false,
		body(`<Op` + ns + `><a><b><c x="1"/></b></a></Op>`):                           false,
		body(`<Op` + ns + `><a><b><c><d/></c></b></a></Op>`):                          false,
		body(`<Op` + ns + `><a>text<b/></a></Op>`):                                    false,
		body(`<Op` + ns + `><a x="1"><b/></a></Op>`):                                  false,
		body(`<Op` + ns + `><a><b x="1"/></a></Op>`):                                  false,
		body(`<Op` + ns + `><a><b xmlns=""/></a></Op>`):                               false,
		body(`<Op` + ns + `><a xmlns="">1</a></Op>`):                                  false,
		body(`<Op xmlns="urn:other"><a>1</a></Op>`):                                   false,
		body(`<Op` + ns + `/><Op` + ns + `/>`):                                        false,
		body(``):                                                                      false,
		`<`:                                                                           false,
	} {
		if _, _, err := NewReader(contract).Read([]byte(doc)); (err == nil) != want || err != nil && !errors.Is(err, ErrPayload) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// A list in a request is read with what is inside each of its elements.
func TestReadRequestWithAList(t *testing.T) {
	const doc = `<s:Body xmlns:s="` + soap11URI + `"><Op xmlns="` + contract + `"><a>1</a><list><b>2</b><c>3</c></list><list><b>4</b></list></Op></s:Body>`
	_, fields, err := NewReader(contract).Read([]byte(doc))
	if got, want := fmt.Sprint(fields), "[{a 1 []} {list  [{b 2 []} {c 3 []}]} {list  [{b 4 []}]}]"; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestPayload(t *testing.T) {
	const want = `<x xmlns="urn:x" a="1" b="2"><y></y></x>`
	for _, v := range []Version{SOAP11, SOAP12} {
		envelope := `<?xml version="1.0"?><e:Envelope xmlns:e="` + v.uri() + `" xmlns="urn:x"><e:Header/><e:Body>
			<x b='2' a='1'><y/></x></e:Body></e:Envelope>`
		got, version, err := Payload([]byte(envelope))
		if err != nil || string(got) != want || version != v {
			t.Errorf("%s: got %s, %s, %v", v, got, version, err)
		}
	}
	for _, bad := range []string{`<x/>`, `<e:Envelope xmlns:e="` + soap11URI + `"><e:Body/></e:Envelope>`} {
		if _, _, err := Payload([]byte(bad)); !errors.Is(err, ErrPayload) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, _, err := Payload([]byte(`<x`)); err == nil {
		t.Error("half an envelope")
	}
}

func BenchmarkReadRequest(b *testing.B) {
	body := []byte(`<s:Body xmlns:s="` + soap11URI + `">` + paymentPayload + `</s:Body>`)
	r := NewReader(contract)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Read(body); err != nil {
			b.Fatal(err)
		}
	}
}
