package care

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
)

// Bounds of a page of the past.
const (
	defaultPage = 50
	maxPage     = 100
)

type messagesArgs struct {
	Conversation string `json:"conversation"`
	Before       string `json:"before"` // only what is older than this message; left out: the latest
	Limit        int    `json:"limit"`  // left out: 50
}

func (a messagesArgs) Check(f hub.Faults) {
	checkID(f, "/conversation", a.Conversation, true)
	checkID(f, "/before", a.Before, false)
	if a.Limit < 0 || a.Limit > maxPage {
		f.Add("/limit", "must be between 1 and %d", maxPage)
	}
}

// Messages is what conversation.messages answers: a page of a thread.
type Messages struct {
	Entries map[string]hub.Entry `json:"entries"`          // as in a snapshot: message/CONVERSATION/ID
	Oldest  string               `json:"oldest,omitempty"` // what the next page is before
	More    bool                 `json:"more"`             // there are older ones
}

// messages tells what was said in a thread, as far back as the log reaches. An
// event of the log holds a message as it was first; how far it got on its way
// is told by those behind it.
func (r rules) messages(ctx context.Context, q *hub.Query, a messagesArgs) (hub.Answer, *hub.Problem) {
	on, p := q.Resolve(ctx, q.Command.On)
	if p != nil {
		return hub.Answer{}, p
	}
	state, p := q.Load(ctx, on)
	if p != nil {
		return hub.Answer{}, p
	}
	if _, ok := state.Entries[Key(a.Conversation)]; !ok {
		return hub.Answer{}, noConversation(a.Conversation)
	}
	if a.Limit == 0 {
		a.Limit = defaultPage
	}
	page, skipping := Messages{Entries: map[string]hub.Entry{}}, a.Before != ""
	thread := MessageKey(a.Conversation, "")
	later := map[string][]hub.Change{} // patches of messages that were not told yet, the newest first
	told := map[string]bool{}
past:
	for e, p := range q.Past(ctx, on) {
		if p != nil {
			return hub.Answer{}, p
		}
		for _, c := range e.Changes {
			id, ok := strings.CutPrefix(c.Key, thread)
			switch {
			case !ok || c.Gone || told[id]:
				continue
			case c.Doc == nil:
				later[id] = append(later[id], c)
				continue
			}
			told[id] = true
			switch {
			case skipping:
				skipping = id != a.Before
				continue
			case len(page.Entries) == a.Limit:
				page.More = true
				break past
			}
			page.Entries[c.Key], page.Oldest = latest(c, later[id]), id
		}
	}
	if skipping { // what led to it is forgotten, or there is no such message
		key := MessageKey(a.Conversation, a.Before)
		e, stands := state.Entries[key]
		if stands {
			_, stands = q.Entry(on, key, e)
		}
		if !stands {
			return hub.Answer{}, hub.Problemf(hub.CodeNotFound, "there is no message %s here, or none any more", a.Before)
		}
	}
	return hub.Answer{Position: state.Position, On: on, Result: page}, nil
}

// latest is a message with what became of it.
func latest(first hub.Change, later []hub.Change) hub.Entry {
	e := hub.Entry{Version: first.Version, Doc: slices.Clone(first.Doc)}
	for _, c := range slices.Backward(later) {
		e.Version, e.Doc = c.Version, json.RawMessage(hub.Apply(e.Doc, c.Patch))
	}
	return e
}
