package hub

import (
	"context"
	"encoding/json"
	"errors"
)

// ErrNobodyAsked is what [Options.Ask] answers to topics that nobody is
// configured to know anything of.
var ErrNobodyAsked = errors.New("hub: nobody to ask")

// CodeNobodyAsked is the problem that [Tx.Ask] returns to a model where nobody
// is configured to answer. Models answer their callers with a code of their own.
const CodeNobodyAsked = "nobody_asked"

// question is what a decision wants to know from outside of the hub.
type question struct {
	topic string
	body  string // JSON
}

// reply is what became of a question.
type reply struct {
	answer  json.RawMessage
	problem *Problem
}

// Ask asks whoever is configured to know something that is in no channel: what
// a code is worth. It works like [Tx.Ref]: where the answer is not known yet
// the model returns, the hub asks without holding up the channel, and the
// model decides again. So the question is made of entries and arguments alone.
//
// It returns nil if the answer was decoded; else a problem: unavailable if
// whoever should know does not answer now, nobody_asked if there is none, or
// one that never leaves the hub if the question is still to be asked.
func (tx *Tx) Ask(topic string, ask, answer any) *Problem {
	body, err := json.Marshal(ask)
	if err != nil {
		return Problemf(CodeInternal, "the question about %s cannot be encoded: %v", topic, err)
	}
	q := question{topic, string(body)}
	r, ok := tx.replies[q]
	if !ok {
		tx.asks = append(tx.asks, q)
		return Problemf(CodeInternal, "%s is still to be asked", topic)
	}
	if r.problem != nil {
		return r.problem
	}
	if err := json.Unmarshal(r.answer, answer); err != nil {
		return Problemf(CodeUnavailable, "the answer about %s is not readable; try again later", topic).
			With(map[string]any{"asked": topic})
	}
	return nil
}

// maxAsked bounds how often one command asks, because the channel changed
// while it asked or because one answer leads to another question.
const maxAsked = 8

// ask gets the answers to questions. The channel is open to others meanwhile.
func (h *Hub) ask(ctx context.Context, cmd Command, asks []question, replies map[question]reply) {
	for _, q := range asks {
		if _, ok := replies[q]; ok {
			continue
		}
		err := ErrNobodyAsked
		var answer json.RawMessage
		if h.opts.Ask != nil && len(replies) < maxAsked {
			answer, err = h.opts.Ask(ctx, q.topic, json.RawMessage(q.body))
		} else if h.opts.Ask != nil {
			err = errors.New("asked too often for one command")
		}
		r := reply{answer: answer}
		switch {
		case errors.Is(err, ErrNobodyAsked):
			r.problem = Problemf(CodeNobodyAsked, "nobody is configured to answer about %s", q.topic)
		case err != nil:
			h.log.Warn("a question stays without answer", "topic", q.topic, "method", cmd.Method, "on", cmd.On, "err", err)
			r.problem = Problemf(CodeUnavailable, "who decides about %s does not answer now; try again with the same id", q.topic).
				With(map[string]any{"asked": q.topic})
		}
		replies[q] = r
	}
}
