package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/samepage/samepage/hub"
)

// demoService is who fills the demo.
var demoService = hub.Caller{Actor: hub.Actor{Role: hub.RoleService, ID: "demo", Name: "Demo", Via: "api"}}

type money map[string]any

func usd(amount int) money { return money{"amount": amount, "currency": "USD"} }

// planted is one thing of the demo's shop: a command that runs if its entry is not there.
type planted struct {
	on     hub.Channel
	key    string
	method string
	args   map[string]any
}

func demoGarden() []planted {
	var all []planted
	for _, item := range []struct {
		sku, name string
		price     int
	}{
		{"latte", "Latte", 450}, {"espresso", "Espresso", 300}, {"flat-white", "Flat white", 420},
		{"cappuccino", "Cappuccino", 430}, {"tea", "Pot of tea", 380}, {"croissant", "Butter croissant", 350},
		{"cinnamon-roll", "Cinnamon roll", 400}, {"sandwich", "Cheese sandwich", 720},
	} {
		all = append(all, planted{"catalog:default", "sku/" + item.sku, "catalog.set", map[string]any{
			"items": map[string]any{item.sku: map[string]any{"name": item.name, "price": usd(item.price)}},
		}})
	}
	for _, level := range []struct {
		store hub.Channel
		sku   string
		count int
	}{
		{"store:s1", "croissant", 24}, {"store:s1", "cinnamon-roll", 12}, {"store:s1", "sandwich", 10},
		{"store:s2", "croissant", 8}, {"store:s2", "sandwich", 2},
	} {
		all = append(all, planted{level.store, "sku/" + level.sku, "stock.count", map[string]any{"sku": level.sku, "on_hand": level.count}})
	}
	for _, c := range []struct {
		context     hub.Channel
		first, last string
		store       string
	}{
		{"context:c-42", "Maya", "Lindqvist", "s1"}, {"context:c-7", "Tom", "Okafor", "s2"},
	} {
		all = append(all, planted{c.context, "profile", "profile.update", map[string]any{
			"traits": map[string]any{"first_name": c.first, "last_name": c.last}, "preferred_store": c.store,
		}})
	}
	return append(all, planted{"context:c-42", "loyalty", "loyalty.adjust", map[string]any{"points": 180, "reason": "welcome"}})
}

// seed plants what is not there. What was done to the rest stays: a demo that
// starts again goes on where it was.
func seed(ctx context.Context, h *hub.Hub) error {
	known := map[hub.Channel]map[string]hub.Entry{}
	for _, p := range demoGarden() {
		entries, ok := known[p.on]
		if !ok {
			snapshot, err := h.Snapshot(ctx, p.on)
			if err != nil {
				return fmt.Errorf("fill the demo: %w", err)
			}
			entries = snapshot.Entries
			known[p.on] = entries
		}
		if _, ok := entries[p.key]; ok {
			continue
		}
		args, err := json.Marshal(p.args)
		if err != nil {
			return fmt.Errorf("fill the demo: %w", err)
		}
		cmd := hub.Command{Method: p.method, ID: "demo/seed/" + string(p.on) + "/" + p.key, On: p.on, Args: args, Caller: demoService, IfVersion: map[string]uint64{p.key: 0}}
		switch a := h.Do(ctx, cmd); {
		case a.Problem == nil:
		case a.Problem.Code == hub.CodeGone, a.Problem.Code == hub.CodeConflict: // erased, or merged into somebody who has it
		default:
			return fmt.Errorf("fill the demo: %s on %s: %w", p.method, p.on, a.Problem)
		}
	}
	return nil
}
