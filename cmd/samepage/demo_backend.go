package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/care"
	"github.com/samepage/samepage/hub/commerce"
)

// backend is what a shop has behind the hub: here, a payment provider that
// captures cards and a bot that answers first. It reads the log behind a
// cursor of its own and acts by commands, as any backend would; an event that
// it meets twice has one effect, because the command's id is made of the event's.
type backend struct {
	hub   *hub.Hub
	log   *slog.Logger
	pause time.Duration // what a card or a thought takes
	now   func() time.Time
}

const backendConsumer = "demo-backend"

// run reads the log until ctx ends.
func (b *backend) run(ctx context.Context) error {
	engine := b.hub.Engine()
	cursors, err := engine.Cursors(ctx, backendConsumer)
	if err != nil {
		return fmt.Errorf("the demo's backend: %w", err)
	}
	for record, err := range engine.Log(ctx, cursors) {
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, hub.ErrTrimmed):
			continue // it was away for longer than the log is kept
		case err != nil:
			return fmt.Errorf("the demo's backend: %w", err)
		}
		if err := b.handle(ctx, record.Message); err != nil {
			return err
		}
		if err := engine.SaveCursors(ctx, backendConsumer, hub.Cursors{record.Partition: record.Seq}); err != nil && ctx.Err() == nil {
			b.log.Warn("the demo's backend could not save where it is", "err", err)
		}
	}
	return nil
}

func (b *backend) handle(ctx context.Context, m *hub.Message) error {
	if m.Event == nil || m.Channel.Kind() != hub.KindContext {
		return nil
	}
	answers := m.Event.Type == "conversation.message_posted" && m.Event.By.Role == hub.RoleCustomer
	if !answers && m.Event.Type != "order.placed" {
		return nil
	}
	if err := b.wait(ctx, m.Event.At.Add(b.pause)); err != nil {
		return nil // the process ends; the event comes again
	}
	snapshot, err := b.hub.Snapshot(ctx, m.Channel)
	if err != nil {
		b.log.Warn("the demo's backend could not look", "channel", m.Channel, "err", err)
		return nil
	}
	if answers {
		b.answer(ctx, m, snapshot)
		return nil
	}
	for _, change := range m.Event.Changes {
		if hub.EntryKind(change.Key) == "order" {
			b.capture(ctx, m.Channel, change.Key, snapshot)
		}
	}
	return nil
}

// capture takes the cards of an order that wait for it.
func (b *backend) capture(ctx context.Context, on hub.Channel, key string, snapshot hub.Snapshot) {
	var order commerce.Order
	if entry, ok := snapshot.Entries[key]; !ok || json.Unmarshal(entry.Doc, &order) != nil {
		return
	}
	for id, tender := range order.Tenders {
		if tender.Type != commerce.TenderCard || tender.Status != commerce.TenderPending {
			continue
		}
		args := map[string]any{"order": strings.TrimPrefix(key, "order/"), "tender": id}
		b.do(ctx, hub.Command{Method: "order.capture", ID: "demo/capture/" + key + "/" + id, On: on, Caller: demoService}, args)
	}
}

// answer says something while the bot has the word.
func (b *backend) answer(ctx context.Context, m *hub.Message, snapshot hub.Snapshot) {
	var said struct{ Conversation, Message string }
	if json.Unmarshal(m.Event.Data, &said) != nil {
		return
	}
	var c care.Conversation
	if entry, ok := snapshot.Entries[care.Key(said.Conversation)]; !ok || json.Unmarshal(entry.Doc, &c) != nil || c.Status != care.StatusBot {
		return
	}
	text := "I'm still only a bot. A person can take it from here: press “Talk to a person”."
	if first(snapshot, said.Conversation, said.Message) {
		text = "Hi, I'm " + demoBot.Name + ", the café's bot. I know the menu and where your order is. For anything else, press “Talk to a person”."
	}
	caller := hub.Caller{Actor: hub.Actor{Role: hub.RoleBot, ID: demoBot.ID, Name: demoBot.Name, Via: "api"}, Queues: demoBot.Queues}
	b.do(ctx, hub.Command{Method: "conversation.post", ID: "demo/answer/" + said.Message, On: m.Channel, Caller: caller},
		map[string]any{"conversation": said.Conversation, "message": "crumb-" + said.Message, "text": text})
}

// first reports whether a conversation has no other message.
func first(snapshot hub.Snapshot, conversation, message string) bool {
	for key := range snapshot.Entries {
		if strings.HasPrefix(key, care.MessageKey(conversation, "")) && key != care.MessageKey(conversation, message) {
			return false
		}
	}
	return true
}

func (b *backend) do(ctx context.Context, cmd hub.Command, args map[string]any) {
	var err error
	if cmd.Args, err = json.Marshal(args); err != nil {
		b.log.Error("the demo's backend could not write a command", "method", cmd.Method, "err", err)
		return
	}
	for {
		a := b.hub.Do(ctx, cmd)
		switch {
		case a.Problem == nil:
			return
		case a.Problem.Code != hub.CodeUnavailable:
			b.log.Warn("the demo's backend was refused", "method", cmd.Method, "on", cmd.On, "problem", a.Problem.Error())
			return
		}
		if b.wait(ctx, b.now().Add(time.Second)) != nil {
			return
		}
	}
}

func (b *backend) wait(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(until.Sub(b.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
