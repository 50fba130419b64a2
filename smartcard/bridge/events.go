package bridge

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"tolem/smartcard"
)

// event says that a device has come or gone.
type event struct {
	Device  string `json:"device"`
	Present bool   `json:"present"`
}

// events returns what has changed; everything, if there is nothing before.
func events(before *smartcard.Presence, now smartcard.Presence) []event {
	all := []event{{"reader", now.Reader}, {"operator_card", now.OperatorCard}, {"customer_card", now.CustomerCard}}
	if before == nil {
		return all
	}
	var changed []event
	for i, was := range []bool{before.Reader, before.OperatorCard, before.CustomerCard} {
		if all[i].Present != was {
			changed = append(changed, all[i])
		}
	}
	return changed
}

// getEvents tells a page what stands ready, and every change, until it goes.
func (b *Bridge) getEvents(w http.ResponseWriter, r *http.Request) {
	select {
	case b.listen <- struct{}{}:
		defer func() { <-b.listen }()
	default:
		answerCode(w, smartcard.Busy)
		return
	}
	// The guard has compared host and origin, more strictly than the library does.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	ctx := conn.CloseRead(r.Context()) // a listener has nothing to say
	b.tell(ctx, conn)
}

// tell sends events until the listener is gone.
func (b *Bridge) tell(ctx context.Context, conn *websocket.Conn) {
	poll, ping := time.NewTicker(pollEvery), time.NewTicker(pingEvery)
	defer poll.Stop()
	defer ping.Stop()
	var before *smartcard.Presence
	for {
		now := b.presence(ctx)
		for _, e := range events(before, now) {
			if ctx.Err() != nil || send(ctx, conn, e) != nil {
				return
			}
		}
		before = &now
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-ping.C:
			alive, cancel := context.WithTimeout(ctx, sendTimeout)
			err := conn.Ping(alive)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

func send(ctx context.Context, conn *websocket.Conn, e event) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return conn.Write(ctx, websocket.MessageText, text)
}
