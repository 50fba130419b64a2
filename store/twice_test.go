package store

import (
	"errors"
	"strings"
	"testing"

	"tolem"
)

// Changes of one transaction are one statement, so a second change of a code
// would be lost: it is refused instead.
func TestCodeIsChangedOnceInATransaction(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		c := issue(t, db)
		err := db.Update(t.Context(), func(tx *Tx) error {
			first := c.Expire(c.ExpiresAt)
			p := paymentFor(first.Code, tx.Now())
			return errors.Join(tx.ChangeCode(c, first), tx.ChangeCode(first.Code, first.Code.Notify(p, nil, tx.Now())))
		})
		if err == nil || !strings.Contains(err.Error(), "changed twice") {
			t.Errorf("%v", err)
		}
		err = db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.Code(c.Number)
			if got.State != tolem.StateIssued {
				t.Errorf("the code is %s", got.State)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
