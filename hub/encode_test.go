package hub_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
	"pgregory.net/rapid"
)

// event has the fields of [hub.Event] and none of its methods.
type event hub.Event

func TestAnEventIsWrittenAsTheEncoderWritesIt(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "a", "cart/1", `q"\`, "<&>", "é", "\u2028", "\x00\xff", "~"})
	texts := rapid.SliceOfN(text, 0, 2)
	doc := rapid.Custom(func(t *rapid.T) json.RawMessage {
		if rapid.Bool().Draw(t, "absent") {
			return nil
		}
		return encode(t, document(2).Draw(t, "doc"))
	})
	instant := rapid.Custom(func(t *rapid.T) hub.Time {
		return hub.At(time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "ms")))
	})
	rapid.Check(t, func(t *rapid.T) {
		e := hub.Event{
			Type: text.Draw(t, "type"), At: instant.Draw(t, "at"), Cause: text.Draw(t, "cause"), Data: doc.Draw(t, "data"),
			By: hub.Actor{Role: hub.Role(text.Draw(t, "role")), ID: text.Draw(t, "id"), Name: text.Draw(t, "name"), Via: text.Draw(t, "via"), Device: text.Draw(t, "device")},
		}
		if rapid.Bool().Draw(t, "offline") {
			at := instant.Draw(t, "occurred at")
			e.OccurredAt = &at
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			e.Changes = append(e.Changes, hub.Change{
				Key: text.Draw(t, "key"), Version: rapid.Uint64().Draw(t, "version"), Patch: doc.Draw(t, "patch"), Doc: doc.Draw(t, "whole"),
				Gone: rapid.Bool().Draw(t, "gone"), Labels: texts.Draw(t, "labels"), Moved: rapid.Bool().Draw(t, "moved"), Was: texts.Draw(t, "was"),
			})
		}
		want := encode(t, event(e))
		if got := e.AppendJSON([]byte("before ")); string(got) != "before "+string(want) {
			t.Fatalf("written\n%s, want\n%s", got, want)
		}
	})
}
