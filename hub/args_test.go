package hub_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/samepage/samepage/hub"
)

type lineArgs struct {
	SKU      string            `json:"sku"`
	Quantity int               `json:"quantity"`
	Note     *string           `json:"note,omitempty"`
	Until    hub.Time          `json:"until"`
	Tags     []string          `json:"tags"`
	Tenders  map[string]tender `json:"tenders"`
}

type tender struct {
	Amount int64 `json:"amount"`
	Cash   bool  `json:"cash"`
}

func (a *lineArgs) Check(f hub.Faults) {
	if a.Quantity < 0 {
		f.Add("/quantity", "must be at least 0")
	}
}

func TestArgumentsNameEveryFaultByItsPointer(t *testing.T) {
	for name, c := range map[string]struct {
		args string
		want hub.Faults
	}{
		"nothing is an empty object":      {``, nil},
		"all well":                        {`{"sku":"latte","quantity":2,"note":null,"until":"2026-11-23T09:00:00Z","tags":["a"],"tenders":{"t1":{"amount":5,"cash":true}}}`, nil},
		"a list is no object":             {`[]`, hub.Faults{"": "must be an object"}},
		"null is no object":               {`null`, hub.Faults{"": "must be an object"}},
		"an unknown field":                {`{"price":5}`, hub.Faults{"/price": "unknown field"}},
		"names are told apart by case":    {`{"SKU":"latte"}`, hub.Faults{"/SKU": "unknown field"}},
		"a pointer is escaped":            {`{"a/b~":1}`, hub.Faults{"/a~1b~0": "unknown field"}},
		"a wrong type":                    {`{"sku":7}`, hub.Faults{"/sku": "must be a string"}},
		"a fraction is no whole number":   {`{"quantity":1.5}`, hub.Faults{"/quantity": "must be a whole number"}},
		"null where a value must be":      {`{"quantity":null}`, hub.Faults{"/quantity": "must be a whole number"}},
		"deep inside":                     {`{"tenders":{"t1":{"amount":"5","tip":1}}}`, hub.Faults{"/tenders/t1/amount": "must be a whole number", "/tenders/t1/tip": "unknown field"}},
		"in a list":                       {`{"tags":["a",2]}`, hub.Faults{"/tags/1": "must be a string"}},
		"all faults at once":              {`{"sku":7,"quantity":"x"}`, hub.Faults{"/sku": "must be a string", "/quantity": "must be a whole number"}},
		"its own check, when types agree": {`{"quantity":-1}`, hub.Faults{"/quantity": "must be at least 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, p := hub.DecodeArgs[lineArgs](json.RawMessage(c.args))
			var got hub.Faults
			if p != nil {
				if p.Code != hub.CodeInvalid {
					t.Fatalf("problem %v, want invalid", p)
				}
				got = p.Details.(hub.Faults)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, p := hub.DecodeArgs[lineArgs](json.RawMessage(`{"until":"yesterday"}`)); p == nil || p.Details.(hub.Faults)["/until"] == "" {
		t.Errorf("a bad time gives %v, want a fault at /until", p)
	}
}

func TestTimeIsWrittenWithMilliseconds(t *testing.T) {
	at := hub.At(time.Date(2026, 11, 23, 9, 0, 0, 120_999_000, time.FixedZone("", 3600)))
	b, err := json.Marshal(at)
	if err != nil || string(b) != `"2026-11-23T08:00:00.120Z"` {
		t.Fatalf("%s, %v", b, err)
	}
	var back hub.Time
	if err := json.Unmarshal(b, &back); err != nil || !back.Equal(at.Time) {
		t.Fatalf("read back as %v, %v", back, err)
	}
}
