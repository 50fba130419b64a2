package bills

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"tolem"
	"tolem/store"
)

// Limits of searches.
const (
	maxTyped       = 200 // characters that are looked at
	MaxAccountPage = 100 // accounts of one answer
)

// Search returns the organisations that the bank takes payments for and whose
// name has what was typed anywhere in it, best matches first, at most limit; 0
// is no limit (WP-030, WP-523). Capital and small letters are the same by the
// rules of Azerbaijani. Names that fit only when letters are written plainly (e
// for ə, i for ı) come last; so does an organisation whose id was typed.
func (d *Desk) Search(ctx context.Context, bank tolem.ParticipantID, typed string, limit int) ([]tolem.Organisation, error) {
	k, err := d.directory(ctx)
	if err != nil {
		return nil, err
	}
	return k.search(bank, typed, limit), nil
}

func (k *directory) search(bank tolem.ParticipantID, typed string, limit int) []tolem.Organisation {
	if utf8.RuneCountInString(typed) > maxTyped {
		return nil
	}
	type hit struct {
		rank tolem.MatchRank
		o    tolem.Organisation
	}
	var hits []hit
	text := tolem.NewSearchable(typed)
	for _, n := range k.names {
		rank := n.text.Match(text)
		if rank == tolem.NoMatch && strings.EqualFold(string(n.id), strings.TrimSpace(typed)) {
			rank--
		}
		if o := k.organisations[n.id]; rank != tolem.NoMatch && o.TakenBy(bank) {
			hits = append(hits, hit{rank, o})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank, b.rank) })
	if limit > 0 && len(hits) > limit {
		hits = hits[:limit]
	}
	found := make([]tolem.Organisation, len(hits))
	for i, h := range hits {
		found[i] = h.o
	}
	return found
}

// Accounts returns accounts of an organisation whose numbers begin with what was
// typed, in the order of numbers, behind after if that is not empty; without
// their bills, at most MaxAccountPage. Holders cannot be searched: their names
// are sealed, and nobody shall go through an organisation's customers by name.
func (d *Desk) Accounts(ctx context.Context, bank tolem.ParticipantID, o tolem.ProviderID, typed string, after tolem.AccountNumber, limit int) ([]tolem.Snapshot, error) {
	if _, err := d.Organisation(ctx, bank, o); err != nil {
		return nil, err
	}
	prefix, err := tolem.ParseAccountNumber(typed)
	if err != nil && strings.TrimSpace(typed) != "" {
		return nil, nil
	}
	if limit <= 0 || limit > MaxAccountPage {
		limit = MaxAccountPage
	}
	var found []tolem.Snapshot
	err = d.db.View(ctx, func(tx *store.Tx) error {
		list, err := tx.SearchAccounts(o, prefix, after, limit)
		found = make([]tolem.Snapshot, len(list))
		for i, a := range list {
			found[i] = a.Snapshot
		}
		return err
	})
	return found, err
}
