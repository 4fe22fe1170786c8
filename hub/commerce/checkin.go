package commerce

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/samepage/samepage/hub"
)

// CodeCodeExpired refuses a check-in code that is not good, any more or at all.
const CodeCodeExpired = "code_expired"

// CheckInKey is the entry that says which tills have the context.
const CheckInKey = "check_in"

// CheckIn is "check_in" of a context: a code to show at a till, and the tills
// that have the context for a while because it was shown there.
//
//	context.check_in_code ─► 482913, 2 min ── context.check_in at a till ─► the till, 15 min
type CheckIn struct {
	Code      string          `json:"code,omitempty"`
	ExpiresAt hub.Time        `json:"expires_at,omitzero"`
	Tills     map[string]Till `json:"tills,omitempty"` // by the id of who works it
}

// Till is a till that a customer checked in at.
type Till struct {
	Store string   `json:"store"`
	Until hub.Time `json:"until"`
}

// CodeUse is what the hub asks of a code channel: "code:482913".
type CodeUse struct {
	Context string   `json:"context"`
	Until   hub.Time `json:"until"`
}

// ContextCheckIn is context.check_in.
type ContextCheckIn struct {
	Code string `json:"code"`
}

// Check implements [hub.Checker].
func (a *ContextCheckIn) Check(f hub.Faults) {
	requireID(f, "/code", a.Code)
}

// CheckedIn is what context.check_in answers.
type CheckedIn struct {
	Context string   `json:"context"`
	Until   hub.Time `json:"until"`
}

// codeTries is how many codes are looked at until one is free.
const codeTries = 8

func codeChannel(code string) hub.Channel { return hub.Channel(hub.KindCode + ":" + code) }

func (s *shop) checkInCode(tx *hub.Tx, _ struct{}) *hub.Problem {
	var c CheckIn
	tx.Get(CheckInKey, &c)
	until := hub.At(tx.Now.Add(s.CheckInCode))
	code := ""
	for range codeTries {
		code = word(tx.NewID("check-in code"), digits, 6)
		var use CodeUse
		if !tx.Ref(codeChannel(code), "code", &use) || use.Context == tx.Command.On.ID() || !use.Until.After(tx.Now) {
			break
		}
	}
	use := encode(CodeUse{Context: tx.Command.On.ID(), Until: until})
	tx.First(
		hub.Command{Method: "code.claim", On: codeChannel(code), Args: use},
		hub.Command{Method: "code.release", On: codeChannel(code), Args: use},
	)
	if c.Code != "" && c.Code != code {
		tx.Then(hub.Command{Method: "code.release", On: codeChannel(c.Code), Args: use})
	}
	c.Code, c.ExpiresAt = code, until
	s.putCheckIn(tx, c)
	tx.Emit("context.check_in_code_made", nil)
	return nil
}

func (s *shop) claimCode(tx *hub.Tx, args CodeUse) *hub.Problem {
	var use CodeUse
	if tx.Get("code", &use) && use.Context != args.Context && use.Until.After(tx.Now) {
		return hub.Problemf(hub.CodeUnavailable, "another customer just got this code; try again")
	}
	tx.Put("code", args)
	tx.SetTimer("code", args.Until.Time, "code.release", CodeUse{Context: args.Context, Until: args.Until})
	tx.Emit("code.claimed", nil)
	return nil
}

// releaseCode makes a code free, if it is still the one that was given.
func (s *shop) releaseCode(tx *hub.Tx, args CodeUse) *hub.Problem {
	var use CodeUse
	if !tx.Get("code", &use) || use.Context != args.Context {
		return nil
	}
	if tx.By().Role == hub.RoleSystem && use.Until.After(args.Until.Time) {
		return nil // it was given anew
	}
	tx.Delete("code")
	tx.ClearTimer("code")
	tx.Emit("code.released", nil)
	return nil
}

// checkIn finds the context that shows a code and gives it to the till.
func (s *shop) checkIn(ctx context.Context, q *hub.Query, args ContextCheckIn) (hub.Answer, *hub.Problem) {
	if p := q.RequireID(); p != nil {
		return hub.Answer{}, p
	}
	state, p := q.Load(ctx, codeChannel(args.Code))
	if p != nil {
		return hub.Answer{}, p
	}
	var use CodeUse
	e, ok := state.Entries["code"]
	if !ok || json.Unmarshal(e.Doc, &use) != nil {
		return hub.Answer{}, codeExpired()
	}
	on, p := q.Resolve(ctx, contextChannel(use.Context))
	if p != nil {
		return hub.Answer{}, p
	}
	a := q.Do(ctx, hub.Command{Method: "context.admit", On: on, Args: encode(args)})
	if a.Problem != nil {
		return hub.Answer{}, a.Problem
	}
	after, p := q.Load(ctx, on)
	if p != nil {
		return hub.Answer{}, p
	}
	var c CheckIn
	_ = json.Unmarshal(after.Entries[CheckInKey].Doc, &c)
	a.Result = CheckedIn{Context: on.ID(), Until: c.Tills[q.Command.Caller.ID].Until}
	a.On = on
	return a, nil
}

func codeExpired() *hub.Problem {
	return hub.Problemf(CodeCodeExpired, "the code is not good, or not any more")
}

func (s *shop) admit(tx *hub.Tx, args ContextCheckIn) *hub.Problem {
	var c CheckIn
	tx.Get(CheckInKey, &c)
	by := tx.Command.Caller
	if c.Code == "" || c.Code != args.Code || !c.ExpiresAt.After(tx.Now) {
		if t, ok := c.Tills[by.ID]; ok && t.Until.After(tx.Now) && c.Code == "" {
			return nil // sent again under another id: the till has it
		}
		return codeExpired()
	}
	c.Code, c.ExpiresAt = "", hub.Time{} // its channel leads here until it expires, for who sends this again
	if c.Tills == nil {
		c.Tills = map[string]Till{}
	}
	c.Tills[by.ID] = Till{Store: by.Store, Until: hub.At(tx.Now.Add(s.CheckIn))}
	if len(c.Tills) > maxTills {
		return tooLarge("tills that a customer is checked in at", maxTills)
	}
	s.putCheckIn(tx, c)
	Note(tx, "context.checked_in", "", "Checked in at "+by.Store)
	tx.Emit("context.checked_in", map[string]any{"store": by.Store, "until": c.Tills[by.ID].Until})
	return nil
}

// maxTills is at how many tills one customer can be at once.
const maxTills = 20

// endCheckIn takes the context away from the tills whose time is over.
func (s *shop) endCheckIn(tx *hub.Tx, _ struct{}) *hub.Problem {
	var c CheckIn
	if !tx.Get(CheckInKey, &c) {
		return nil
	}
	before := len(c.Tills)
	maps.DeleteFunc(c.Tills, func(_ string, t Till) bool { return !t.Until.After(tx.Now) })
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(tx.Now) {
		c.Code, c.ExpiresAt = "", hub.Time{}
	}
	s.putCheckIn(tx, c)
	if len(c.Tills) < before {
		tx.Emit("context.check_in_ended", nil)
	} else {
		tx.Emit("context.check_in_code_expired", nil)
	}
	return nil
}

// putCheckIn writes the entry, and looks again when the next of it ends.
func (s *shop) putCheckIn(tx *hub.Tx, c CheckIn) {
	var next time.Time
	for _, end := range append(slices.Collect(func(yield func(hub.Time) bool) {
		for _, t := range c.Tills {
			if !yield(t.Until) {
				return
			}
		}
	}), c.ExpiresAt) {
		if !end.IsZero() && (next.IsZero() || end.Before(next)) {
			next = end.Time
		}
	}
	if next.IsZero() {
		tx.ClearTimer(CheckInKey)
	} else {
		tx.SetTimer(CheckInKey, next, "context.end_check_in", struct{}{})
	}
	if c.Code == "" && len(c.Tills) == 0 {
		tx.Delete(CheckInKey)
		return
	}
	tx.Put(CheckInKey, c)
}

// checkedIn refuses a till whose customer is not, or no longer, checked in.
func (s *shop) checkedIn(tx *hub.Tx) *hub.Problem {
	by := tx.Command.Caller
	if by.Role != hub.RolePOS {
		return nil
	}
	var c CheckIn
	tx.Get(CheckInKey, &c)
	if c.Admits(by, tx.Now) {
		return nil
	}
	return forbidden("the customer is not checked in at this till")
}

// Admits reports whether a till has the context at a time.
func (c CheckIn) Admits(by hub.Caller, now time.Time) bool {
	t, ok := c.Tills[by.ID]
	return ok && by.ID != "" && t.Store == by.Store && t.Until.After(now)
}
