package hub

import "encoding/json"

// Husk is what an erased event still tells: that there was one, of which type
// and when. See [Engine.Erase].
func (e *Event) Husk() *Event {
	return &Event{Type: e.Type, At: e.At, By: Actor{Role: e.By.Role}}
}

// ErasedProblem is what a remembered refusal says once its channel was erased.
func ErasedProblem() json.RawMessage {
	b, err := json.Marshal(Problemf(CodeGone, "what this was answered was erased"))
	if err != nil {
		panic(err)
	}
	return b
}
