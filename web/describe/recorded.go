package describe

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed recorded.json
var recordedJSON []byte

// Recording is what a test saw when it ran the examples, and what the source
// says of types and fields. It is made by go generate.
type Recording struct {
	Comments map[string]string    `json:"comments"` // package.Type or package.Type.Field -> comment
	Calls    map[string][]Call    `json:"calls"`    // method -> its examples, as they went
	Events   map[string]EventSeen `json:"events"`   // type -> one that happened meanwhile
}

// Call is an example that was run.
type Call struct {
	As      string          `json:"as"` // the role
	Request json.RawMessage `json:"request"`
	Status  int             `json:"status"` // by HTTP
	Answer  json.RawMessage `json:"answer"` // over the socket; by HTTP a problem stands alone
}

// EventSeen is an event as a service gets it, and which commands led to such ones.
type EventSeen struct {
	Channel string          `json:"channel"` // the kind of channel
	Event   json.RawMessage `json:"event"`
	By      []string        `json:"by"`
}

func recorded() (*Recording, error) {
	var r Recording
	if err := json.Unmarshal(recordedJSON, &r); err != nil {
		return nil, fmt.Errorf("read recorded.json: %w", err)
	}
	return &r, nil
}
