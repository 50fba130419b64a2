package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tolem"
	"tolem/archive"
	"tolem/signing/trust"
	"tolem/wsdl/channel"
)

// Limits of a post.
const (
	postTimeout = 30 * time.Second // of one document and its answer
	maxAnswer   = 1 << 10          // bytes of an answer that are read and kept
)

// opPost is what a post is called in the evidence.
const opPost tolem.Operation = "PostDocument"

// PostConfig says whom to believe.
type PostConfig struct {
	// Trust holds the authorities under which a server's certificate is
	// accepted besides those of the system: merchants' servers are on the open
	// web. Under one of ours, revocation is asked as everywhere; nil: none.
	Trust *trust.Store
	// Certificate is shown to servers that ask for one; optional.
	Certificate *tls.Certificate
	Clock       func() time.Time // time.Now if nil
	Timeout     time.Duration    // of one document and its answer; 30 s if zero
}

// Post sends the document itself, which carries its own signature, to the
// participant's web server. It counts as received when the server answers 200
// with the document's number, as text/plain and nothing else (ACQ-P12): what a
// proxy or a page for people answers is no acknowledgement. Redirects are not
// followed.
type Post struct{ config PostConfig }

// NewPost returns a transport.
func NewPost(c PostConfig) *Post {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Timeout <= 0 {
		c.Timeout = postTimeout
	}
	return &Post{c}
}

// Deliver implements Transport.
func (p *Post) Deliver(ctx context.Context, t tolem.DeliveryTarget, parcel *Parcel, _ Progress) ([]archive.Record, error) {
	client, err := p.client(t.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.Address, parcel.Content())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	req.ContentLength = parcel.Size
	req.Header.Set("Content-Type", "application/xml; charset=utf-8")
	req.Header.Set("Tolem-Document", parcel.Delivery.Ref)
	sent := p.config.Clock()
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%w: answer broke off: %w", ErrTarget, err)
	}
	evidence, err := p.evidence(t, parcel, res, answer, sent)
	if err != nil {
		return nil, err
	}
	return []archive.Record{evidence}, acknowledged(res, answer, parcel.Delivery.Ref)
}

// acknowledged judges an answer. Whoever refuses one document as such is well;
// whatever else is no acknowledgement is the server's trouble.
func acknowledged(res *http.Response, answer []byte, number string) error {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case res.StatusCode == http.StatusOK && kind == "text/plain" && string(answer) == number:
		return nil
	case res.StatusCode == http.StatusOK:
		return fmt.Errorf("%w: it does not acknowledge: want the number as text/plain, got %.32s %.64q", ErrTarget, kind, answer)
	case slices.Contains([]int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity}, res.StatusCode):
		return fmt.Errorf("%w: HTTP status %d: %.64q", ErrRefused, res.StatusCode, answer)
	}
	return fmt.Errorf("%w: HTTP status %d", ErrTarget, res.StatusCode)
}

// posted is what the gateway writes down of an answer. The document that was
// sent is evidence already; its hash names it.
type posted struct {
	Event       string    `json:"event"`
	Number      string    `json:"number"`
	Target      string    `json:"target"`
	Address     string    `json:"address"`
	SHA256      string    `json:"sha256"`
	SentAt      time.Time `json:"sentAt"`
	Status      int       `json:"status"`
	ContentType string    `json:"contentType,omitempty"`
	Answer      string    `json:"answer"`
	At          time.Time `json:"at"`
}

func (p *Post) evidence(t tolem.DeliveryTarget, parcel *Parcel, res *http.Response, answer []byte, sent time.Time) (archive.Record, error) {
	came := p.config.Clock().UTC().Truncate(time.Microsecond)
	raw, err := json.Marshal(posted{
		Event: "posted", Number: parcel.Delivery.Ref, Target: t.String(), Address: t.Address, SHA256: hex.EncodeToString(parcel.SHA256[:]),
		SentAt: sent.UTC(), Status: res.StatusCode, ContentType: fmt.Sprintf("%.128s", res.Header.Get("Content-Type")), Answer: string(answer[:min(len(answer), maxAnswer)]), At: came,
	})
	return archive.Record{
		ID: archive.NewMessageID(came), Direction: archive.Internal, At: came, Participant: t.Participant, Operation: opPost, Raw: raw,
	}, err
}

// client returns an HTTP client for the address.
func (p *Post) client(address string) (*http.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Time: p.config.Clock}
	if p.config.Certificate != nil {
		config.Certificates = []tls.Certificate{*p.config.Certificate}
	}
	if p.config.Trust != nil {
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool() // a machine without any: ours alone
		}
		authorities := p.config.Trust.Authorities()
		for _, a := range authorities {
			config.RootCAs.AddCert(a)
		}
		config.VerifyConnection = func(cs tls.ConnectionState) error {
			if slices.ContainsFunc(cs.VerifiedChains, func(chain []*x509.Certificate) bool { return !holds(chain, authorities) }) {
				return nil // under an authority of the open web, which net/http has verified
			}
			return p.config.Trust.VerifyServer(cs, u.Hostname())
		}
	}
	return channel.NewHTTPClient(config, p.config.Timeout), nil
}

// holds reports whether one of the authorities is part of a chain.
func holds(chain, authorities []*x509.Certificate) bool {
	return slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return slices.ContainsFunc(authorities, c.Equal) })
}
