package commerce

import (
	"encoding/json"
	"strconv"

	"github.com/samepage/samepage/hub"
)

// MaxActivity is how many items the timeline keeps, fewer where they are long.
const MaxActivity = 200

// activitySize is how many bytes of JSON they may take: the document has a little more than them.
const activitySize = hub.MaxDocument - 1<<10

// Activity is "activity" of a context: the latest items of its timeline.
type Activity struct {
	Last  int64                   `json:"last"` // number of the newest item
	Items map[string]ActivityItem `json:"items"`
}

// ActivityItem is one thing that happened.
type ActivityItem struct {
	Order   int64    `json:"order"` // items are shown in this order
	At      hub.Time `json:"at"`
	Kind    string   `json:"kind"`              // the event's type
	Channel string   `json:"channel,omitempty"` // the touchpoint
	Summary string   `json:"summary"`
	Ref     string   `json:"ref,omitempty"` // the entry it is about

	Properties json.RawMessage `json:"properties,omitempty"` // of what was tracked
}

// trim drops the oldest items that are too many, or too long together.
func (a *Activity) trim() {
	size := 0
	for n := a.Last; ; n-- {
		key := strconv.FormatInt(n, 10)
		item, ok := a.Items[key]
		if !ok {
			return
		}
		if size += item.size(); size > activitySize || n <= a.Last-MaxActivity {
			delete(a.Items, key)
		}
	}
}

// size is how many bytes of JSON an item takes, rather too many than too few.
func (i ActivityItem) size() int {
	return 150 + len(i.Properties) + encodedLen(i.Kind) + encodedLen(i.Channel) + encodedLen(i.Summary) + encodedLen(i.Ref)
}

// encodedLen is how long a text can be in JSON: six bytes for what is escaped.
func encodedLen(text string) int {
	n := len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			n += 5
		case c >= 0x80:
			n++ // a line separator has three bytes
		}
	}
	return n
}

// Note adds to the timeline of the context a decision is about; the oldest
// items make room.
func Note(tx *hub.Tx, kind, ref, summary string) {
	note(tx, ActivityItem{Kind: kind, Summary: summary, Ref: ref})
}

func note(tx *hub.Tx, item ActivityItem) {
	if tx.Has(hub.ErasedKey) {
		return
	}
	activity := Activity{}
	tx.Get("activity", &activity)
	if activity.Items == nil {
		activity.Items = map[string]ActivityItem{}
	}
	activity.Last++
	item.Order, item.At, item.Channel, item.Summary = activity.Last, hub.At(tx.Now), touchpoint(tx), clip(item.Summary, 100)
	activity.Items[strconv.FormatInt(activity.Last, 10)] = item
	activity.trim()
	tx.Put("activity", activity)
}

// touchpoint is where a command comes from.
func touchpoint(tx *hub.Tx) string {
	by := tx.By()
	if by.Via != "" {
		return by.Via
	}
	switch by.Role {
	case hub.RoleCustomer:
		return "app"
	case hub.RolePOS:
		return "pos"
	case hub.RoleAgent, hub.RoleSupervisor:
		return "desk"
	case hub.RoleService:
		return "api"
	}
	return string(by.Role)
}

func clip(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}
