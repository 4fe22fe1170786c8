package commerce

import (
	"github.com/samepage/samepage/hub"
)

// Words of a store's acceptance.
const (
	StoreAccepting = "accepting"
	StoreSlow      = "slow"   // promises minutes later
	StorePaused    = "paused" // takes nothing from afar
)

// Store is "store" of a store channel. A store nobody configured accepts orders.
type Store struct {
	Acceptance string   `json:"acceptance"`
	Minutes    int      `json:"minutes,omitempty"` // slow: how much later
	Until      hub.Time `json:"until,omitzero"`    // then it accepts again by itself
}

// StoreSetAcceptance is store.set_acceptance.
type StoreSetAcceptance struct {
	Acceptance string    `json:"acceptance"`
	Minutes    int       `json:"minutes"`
	Until      *hub.Time `json:"until"`
}

// Check implements [hub.Checker].
func (a *StoreSetAcceptance) Check(f hub.Faults) {
	switch a.Acceptance {
	case StoreAccepting:
		if a.Until != nil {
			f.Add("/until", "is for slow and paused")
		}
	case StoreSlow, StorePaused:
	default:
		f.Add("/acceptance", "must be accepting, slow or paused")
	}
	if a.Minutes < 0 || a.Minutes > 24*60 || a.Minutes > 0 && a.Acceptance != StoreSlow {
		f.Add("/minutes", "must be how many minutes later, of a slow store")
	}
}

// slowMinutes is how much later a slow store is that does not say so.
const slowMinutes = 10

func (s *shop) setAcceptance(tx *hub.Tx, args StoreSetAcceptance) *hub.Problem {
	if p := ownStore(tx); p != nil {
		return p
	}
	store := Store{Acceptance: args.Acceptance, Minutes: args.Minutes}
	if store.Acceptance == StoreSlow && store.Minutes == 0 {
		store.Minutes = slowMinutes
	}
	tx.ClearTimer("acceptance")
	if args.Until != nil {
		if !args.Until.After(tx.Now) {
			return hub.Faults{"/until": "must be later than now"}.Problem()
		}
		store.Until = *args.Until
		tx.SetTimer("acceptance", args.Until.Time, "store.resume", struct{}{})
	}
	var before Store
	if tx.Get("store", &before) && before == store {
		return nil
	}
	tx.Put("store", store)
	tx.Emit("store.acceptance_set", map[string]any{"acceptance": store.Acceptance})
	return nil
}

// resumeStore ends a pause whose time is over.
func (s *shop) resumeStore(tx *hub.Tx, _ struct{}) *hub.Problem {
	var store Store
	if !tx.Get("store", &store) || store.Until.IsZero() || store.Until.After(tx.Now) {
		return nil
	}
	tx.Put("store", Store{Acceptance: StoreAccepting})
	tx.Emit("store.acceptance_set", map[string]any{"acceptance": StoreAccepting})
	return nil
}

// accepting looks whether a store takes an order. Its own tills may always sell.
func (s *shop) accepting(tx *hub.Tx, id string) (Store, *hub.Problem) {
	store := Store{Acceptance: StoreAccepting}
	tx.Ref(storeChannel(id), "store", &store)
	if !store.Until.IsZero() && !store.Until.After(tx.Now) {
		store = Store{Acceptance: StoreAccepting}
	}
	if store.Acceptance == StorePaused && tx.Command.Caller.Role != hub.RolePOS {
		details := map[string]any{"store": id}
		if !store.Until.IsZero() {
			details["until"] = store.Until
		}
		return store, hub.Problemf(CodeStoreNotAccepting, "the store takes no orders now").With(details)
	}
	return store, nil
}

// slow is how many minutes later than usual the store is.
func (s Store) slow() int {
	if s.Acceptance == StoreSlow {
		return s.Minutes
	}
	return 0
}

func storeChannel(id string) hub.Channel { return hub.Channel(hub.KindStore + ":" + id) }

// ownStore refuses a till that addresses another store's channel.
func ownStore(tx *hub.Tx) *hub.Problem {
	if c := tx.Command.Caller; c.Role == hub.RolePOS && c.Store != tx.Command.On.ID() {
		return forbidden("a till acts for its own store")
	}
	return nil
}

func system() hub.Caller { return hub.Caller{Actor: hub.Actor{Role: hub.RoleSystem}} }
