package commerce

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/samepage/samepage/hub"
)

// Two contexts turn out to be one customer. The older one wins; the other one
// becomes its alias. No commit spans two channels, so it goes in steps, each
// of which can be done again, and from the first on there is a timer that
// brings the rest about whatever dies in between:
//
//	loser                                       winner
//	1 begin_merge   alias{into}, a timer
//	  from here on commands wait
//	                                            2 absorb    everything is there, aliases{loser}
//	3 finish_merge  alias{into, moved},
//	  all else is gone; commands go on there
//
// Handles follow between 2 and 3; until then the index leads to the alias,
// which leads to the winner. What is in the loser's timers runs on the winner.

// What becomes of a sku that is in both carts.
const (
	CartMax = "max" // the larger quantity
	CartSum = "sum" // both together
)

// ContextMerge is context.merge: the context it is on and this one are the same
// customer's. Both are decided on by version: that of the profile here in
// if_version, that of the other's profile in into_version; 0 where there is none.
type ContextMerge struct {
	Into        string  `json:"into"`
	IntoVersion *uint64 `json:"into_version"`
}

// Check implements [hub.Checker].
func (a *ContextMerge) Check(f hub.Faults) {
	requireID(f, "/into", a.Into)
	if a.IntoVersion == nil {
		f.Add("/into_version", "required: the version of the other's profile this was decided on")
	}
}

// Merged is what context.merge answers: the context that is left, and its new alias.
type Merged struct {
	Context string `json:"context"`
	Alias   string `json:"alias"`
}

// ContextMove is what the steps of a merge tell each other.
type ContextMove struct {
	Into string `json:"into"` // the winner
	From string `json:"from"` // the loser
}

// mergeAgain is when a merge that was cut off goes on by itself.
const mergeAgain = 2 * time.Second

// merge looks which of the two is older and leads them through the steps.
func (s *shop) merge(ctx context.Context, q *hub.Query, args ContextMerge) (hub.Answer, *hub.Problem) {
	on, into := q.Command.On, contextChannel(args.Into)
	if on == into {
		return hub.Answer{}, hub.Faults{"/into": "is the same context"}.Problem()
	}
	seen, ok := q.Command.IfVersion["profile"]
	if !ok {
		return hub.Answer{}, hub.Faults{"/if_version/profile": "required: the version this was decided on"}.Problem()
	}
	here, p := q.Resolve(ctx, on)
	if p != nil {
		return hub.Answer{}, p
	}
	there, p := q.Resolve(ctx, into)
	if p != nil {
		return hub.Answer{}, p
	}
	var winner, loser hub.Channel
	if here == there { // done before, or as far as the first step
		winner, loser = here, cmp.Or(unless(on, here), unless(into, here))
	} else {
		a, p := q.Load(ctx, here)
		if p != nil {
			return hub.Answer{}, p
		}
		b, p := q.Load(ctx, there)
		if p != nil {
			return hub.Answer{}, p
		}
		if p := sameVersions(q, here, a, seen, there, b, *args.IntoVersion); p != nil {
			return hub.Answer{}, p
		}
		winner, loser = there, here
		if older(here, a, there, b) {
			winner, loser = here, there
		}
		step := q.Do(ctx, hub.Command{
			Method: "context.begin_merge", On: loser, Args: encode(ContextMove{Into: winner.ID(), From: loser.ID()}),
		})
		if step.Problem != nil {
			return hub.Answer{}, step.Problem
		}
	}
	if step := q.Do(ctx, hub.Command{Method: "context.finish_merge", On: loser, Args: encode(struct{}{})}); step.Problem != nil {
		return hub.Answer{}, step.Problem
	}
	state, p := q.Load(ctx, winner)
	if p != nil {
		return hub.Answer{}, p
	}
	return hub.Answer{Position: state.Position, On: winner, Result: Merged{Context: winner.ID(), Alias: loser.ID()}}, nil
}

func unless(name, not hub.Channel) hub.Channel {
	if name == not {
		return ""
	}
	return name
}

// sameVersions refuses a merge that was decided on other profiles than those that stand.
func sameVersions(q *hub.Query, here hub.Channel, a hub.State, seenHere uint64, there hub.Channel, b hub.State, seenThere uint64) *hub.Problem {
	mine, theirs := a.Entries["profile"], b.Entries["profile"]
	if mine.Version == seenHere && theirs.Version == seenThere {
		return nil
	}
	entries := map[string]hub.Entry{}
	if e, ok := q.Entry(here, "profile", mine); ok && mine.Version > 0 {
		entries["profile"] = e
	}
	return hub.Problemf(hub.CodeConflict, "this was decided on an older version").With(map[string]any{
		"versions": map[string]uint64{"profile": mine.Version}, "entries": entries, "into_version": theirs.Version,
	})
}

// begin notes in a profile that has just become one since when we know them.
func (s *shop) begin(tx *hub.Tx, p *Profile) {
	if !p.Since.IsZero() {
		return
	}
	entries := map[string]hub.Entry{}
	for key := range tx.Keys("") {
		var doc json.RawMessage
		if tx.Get(key, &doc) {
			entries[key] = hub.Entry{Doc: doc}
		}
	}
	if p.Since = beginning(entries); p.Since.IsZero() || p.Since.After(tx.Now) {
		p.Since = hub.At(tx.Now)
	}
}

// beginMerge makes a context an alias whose entries are still to be moved.
func (s *shop) beginMerge(tx *hub.Tx, args ContextMove) *hub.Problem {
	if tx.Has(hub.ErasedKey) {
		return hub.Problemf(hub.CodeGone, "the customer was erased")
	}
	winner := contextChannel(args.Into)
	var alias hub.Alias
	if tx.Get(hub.AliasKey, &alias) {
		if alias.Into == winner {
			return nil
		}
		return hub.Problemf(hub.CodeUnavailable, "the context is being merged into another one; try again")
	}
	var profile, theirs Profile
	var erased Erased
	tx.Get("profile", &profile)
	tx.Ref(winner, "profile", &theirs)
	if tx.Ref(winner, hub.ErasedKey, &erased) {
		return hub.Problemf(hub.CodeGone, "the customer was erased")
	}
	if p := s.withinLimits(together(theirs.Identities, profile.Identities)); p != nil {
		return p
	}
	s.begin(tx, &profile)
	profile.MergedInto = args.Into
	tx.Put("profile", profile)
	tx.Put(hub.AliasKey, hub.Alias{Into: winner})
	tx.SetTimer("merge", tx.Now.Add(mergeAgain), "context.finish_merge", struct{}{})
	tx.Emit("customer.merging", map[string]any{"into": args.Into})
	return nil
}

// finishMerge has the winner absorb the context, and then empties it. The timer runs
// it too, as often as it takes.
func (s *shop) finishMerge(tx *hub.Tx, _ struct{}) *hub.Problem {
	var alias hub.Alias
	if !tx.Get(hub.AliasKey, &alias) || alias.Moved {
		tx.ClearTimer("merge")
		return nil
	}
	loser := tx.Command.On
	var back hub.Alias
	if tx.Ref(alias.Into, hub.AliasKey, &back) && back.Into == loser {
		// Each was begun to be merged into the other: one gives way.
		if loser < alias.Into {
			return s.abortMerge(tx)
		}
		return hub.Problemf(hub.CodeUnavailable, "the contexts are merged into each other just now; try again")
	}
	var erased Erased
	if tx.Ref(alias.Into, hub.ErasedKey, &erased) {
		return s.eraseAll(tx)
	}
	var profile Profile
	tx.Get("profile", &profile)
	move := encode(ContextMove{Into: alias.Into.ID(), From: loser.ID()})
	absorb := hub.Command{Method: "context.absorb", On: alias.Into, Args: move}
	tx.First(absorb, absorb) // nothing takes it back: it is there, and that is as it should be
	for _, i := range profile.Identities {
		claim := hub.Command{
			Method: "identity.move", On: identityChannel(i.handle()), Args: encode(IdentityClaim{Context: loser.ID(), To: alias.Into.ID()}),
		}
		tx.First(claim, claim)
	}
	for key := range tx.Keys("") {
		if key != hub.AliasKey && key != "profile" {
			tx.Delete(key)
		}
	}
	alias.Moved = true
	tx.Put(hub.AliasKey, alias)
	tx.Put("profile", Profile{Since: profile.Since, Aliases: profile.Aliases, MergedInto: profile.MergedInto})
	tx.ClearTimer("merge")
	tx.Emit("customer.merged", map[string]any{"into": alias.Into.ID()})
	return nil
}

// abortMerge makes an alias the context again that it was.
func (s *shop) abortMerge(tx *hub.Tx) *hub.Problem {
	var profile Profile
	tx.Get("profile", &profile)
	profile.MergedInto = ""
	tx.Put("profile", profile)
	tx.Delete(hub.AliasKey)
	tx.ClearTimer("merge")
	tx.Emit("customer.merge_aborted", nil)
	return nil
}
