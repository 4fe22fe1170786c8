// Package presencetest is the suite that every [presence.Store] passes.
package presencetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"reflect"
	"sync"
	"testing"

	"github.com/samepage/samepage/presence"
)

// Run tests the stores that open returns. Each is empty when it comes; open
// registers what is to be cleaned up.
func Run(t *testing.T, open func(*testing.T) presence.Store) {
	for name, test := range map[string]func(*testing.T, presence.Store){
		"who joins is among the members":                    join,
		"who joins again is replaced":                       rejoin,
		"who leaves is gone":                                leave,
		"one user with two devices is two clients":          stats,
		"channels are strangers to each other":              separate,
		"channels are listed by pattern with their clients": channels,
		"a pattern that is none is an error":                badPattern,
		"an answer belongs to the caller":                   ownership,
		"what was handed in may be changed afterwards":      handedIn,
		"an ended context is reported":                      ended,
		"concurrent callers lose nothing":                   concurrent,
		"any sequence leaves what a map would":              model,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func join(t *testing.T, s presence.Store) {
	a := presence.Member{Client: "a", User: "42", ConnInfo: json.RawMessage(`{"name":"Ada"}`), ChanInfo: json.RawMessage(`1`)}
	mustJoin(t, s, "chat:lobby", a, true)
	mustJoin(t, s, "chat:lobby", presence.Member{Client: "b", User: ""}, true)
	wantMembers(t, s, "chat:lobby", a, presence.Member{Client: "b"})
	wantMembers(t, s, "chat:empty")
}

func rejoin(t *testing.T, s presence.Store) {
	mustJoin(t, s, "c", presence.Member{Client: "a", User: "42", ConnInfo: json.RawMessage(`1`)}, true)
	again := presence.Member{Client: "a", User: "43", ConnInfo: json.RawMessage(`2`)}
	mustJoin(t, s, "c", again, false)
	wantMembers(t, s, "c", again)
	wantStats(t, s, "c", 1, 1)
	mustLeave(t, s, "c", "a", true)
	wantStats(t, s, "c", 0, 0)
}

func leave(t *testing.T, s presence.Store) {
	mustLeave(t, s, "c", "a", false)
	mustJoin(t, s, "c", presence.Member{Client: "a", User: "42"}, true)
	mustLeave(t, s, "c", "b", false)
	mustLeave(t, s, "c", "a", true)
	mustLeave(t, s, "c", "a", false)
	wantMembers(t, s, "c")
	wantChannels(t, s, "", map[string]int{})
	mustJoin(t, s, "c", presence.Member{Client: "a", User: "42"}, true)
}

func stats(t *testing.T, s presence.Store) {
	wantStats(t, s, "c", 0, 0)
	mustJoin(t, s, "c", presence.Member{Client: "a", User: "42"}, true)
	mustJoin(t, s, "c", presence.Member{Client: "b", User: "42"}, true)
	mustJoin(t, s, "c", presence.Member{Client: "c", User: "43"}, true)
	wantStats(t, s, "c", 3, 2)
	mustLeave(t, s, "c", "a", true)
	wantStats(t, s, "c", 2, 2)
	mustLeave(t, s, "c", "b", true)
	wantStats(t, s, "c", 1, 1)
}

func separate(t *testing.T, s presence.Store) {
	a := presence.Member{Client: "a", User: "42"}
	mustJoin(t, s, "x", a, true)
	mustJoin(t, s, "y", a, true)
	mustLeave(t, s, "x", "a", true)
	wantMembers(t, s, "x")
	wantMembers(t, s, "y", a)
}

func channels(t *testing.T, s presence.Store) {
	wantChannels(t, s, "", map[string]int{})
	for i, name := range []string{"chat:lobby", "chat:lobby", "chat:kitchen", "news", "a/b"} {
		mustJoin(t, s, name, presence.Member{Client: fmt.Sprint(i), User: "42"}, true)
	}
	wantChannels(t, s, "", map[string]int{"chat:lobby": 2, "chat:kitchen": 1, "news": 1, "a/b": 1})
	wantChannels(t, s, "chat:*", map[string]int{"chat:lobby": 2, "chat:kitchen": 1})
	wantChannels(t, s, "news", map[string]int{"news": 1})
	wantChannels(t, s, "*", map[string]int{"chat:lobby": 2, "chat:kitchen": 1, "news": 1})
	wantChannels(t, s, "nobody:*", map[string]int{})
}

func badPattern(t *testing.T, s presence.Store) {
	if _, err := s.Channels(t.Context(), "[a"); !errors.Is(err, path.ErrBadPattern) {
		t.Errorf("Channels([a) = %v, want path.ErrBadPattern", err)
	}
}

func ownership(t *testing.T, s presence.Store) {
	a := presence.Member{Client: "a", User: "42", ConnInfo: json.RawMessage(`{"a":1}`)}
	mustJoin(t, s, "c", a, true)
	got, err := s.Members(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	copy(got["a"].ConnInfo, "!!!!")
	got["b"] = presence.Member{Client: "b"}
	delete(got, "a")
	wantMembers(t, s, "c", a)
	listed, err := s.Channels(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	delete(listed, "c")
	wantChannels(t, s, "", map[string]int{"c": 1})
}

func handedIn(t *testing.T, s presence.Store) {
	info := json.RawMessage(`{"a":1}`)
	mustJoin(t, s, "c", presence.Member{Client: "a", User: "42", ConnInfo: info}, true)
	copy(info, "!!!!")
	wantMembers(t, s, "c", presence.Member{Client: "a", User: "42", ConnInfo: json.RawMessage(`{"a":1}`)})
}

func ended(t *testing.T, s presence.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, joined := s.Join(ctx, "c", presence.Member{Client: "a"})
	_, left := s.Leave(ctx, "c", "a")
	_, members := s.Members(ctx, "c")
	_, stats := s.Stats(ctx, "c")
	_, channels := s.Channels(ctx, "")
	for what, err := range map[string]error{"Join": joined, "Leave": left, "Members": members, "Stats": stats, "Channels": channels} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s on an ended context: %v", what, err)
		}
	}
	wantMembers(t, s, "c")
}

func concurrent(t *testing.T, s presence.Store) {
	const workers, rounds = 8, 50
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			stays := presence.Member{Client: fmt.Sprint("stays", w), User: fmt.Sprint(w % 2)}
			goes := presence.Member{Client: fmt.Sprint("goes", w), User: "passing"}
			for i := range rounds {
				name := fmt.Sprint("c", i%5)
				if _, err := s.Join(t.Context(), name, stays); err != nil {
					t.Error(err)
				}
				if first, err := s.Join(t.Context(), name, goes); err != nil || !first {
					t.Errorf("join of a client that is not there: first %v, %v", first, err)
				}
				if _, err := s.Members(t.Context(), name); err != nil {
					t.Error(err)
				}
				if was, err := s.Leave(t.Context(), name, goes.Client); err != nil || !was {
					t.Errorf("leave of a client that is there: was %v, %v", was, err)
				}
			}
		})
	}
	group.Wait()
	for i := range 5 {
		wantStats(t, s, fmt.Sprint("c", i), workers, 2)
	}
}

// model runs a fixed mixture of steps beside a plain map.
func model(t *testing.T, s presence.Store) {
	want := map[string]map[string]presence.Member{}
	seed := uint32(1)
	next := func(n int) int { // xorshift: the same on every machine
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		return int(seed % uint32(n))
	}
	for range 2000 {
		name, client := fmt.Sprint("c", next(4)), fmt.Sprint("client", next(6))
		_, there := want[name][client]
		if next(2) == 0 {
			m := presence.Member{Client: client, User: fmt.Sprint("user", next(3))}
			mustJoin(t, s, name, m, !there)
			if want[name] == nil {
				want[name] = map[string]presence.Member{}
			}
			want[name][client] = m
		} else {
			mustLeave(t, s, name, client, there)
			delete(want[name], client)
		}
		users := map[string]bool{}
		for _, m := range want[name] {
			users[m.User] = true
		}
		wantStats(t, s, name, len(want[name]), len(users))
		if t.Failed() {
			return
		}
	}
	counts := map[string]int{}
	for name, members := range want {
		wantMembers(t, s, name, valuesOf(members)...)
		if len(members) > 0 {
			counts[name] = len(members)
		}
	}
	wantChannels(t, s, "", counts)
}

func valuesOf(members map[string]presence.Member) []presence.Member {
	var all []presence.Member
	for _, m := range members {
		all = append(all, m)
	}
	return all
}

func mustJoin(t *testing.T, s presence.Store, channel string, m presence.Member, first bool) {
	t.Helper()
	got, err := s.Join(t.Context(), channel, m)
	if err != nil {
		t.Fatal(err)
	}
	if got != first {
		t.Errorf("Join(%s, %s) = %v, want %v", channel, m.Client, got, first)
	}
}

func mustLeave(t *testing.T, s presence.Store, channel, client string, was bool) {
	t.Helper()
	got, err := s.Leave(t.Context(), channel, client)
	if err != nil {
		t.Fatal(err)
	}
	if got != was {
		t.Errorf("Leave(%s, %s) = %v, want %v", channel, client, got, was)
	}
}

func wantMembers(t *testing.T, s presence.Store, channel string, members ...presence.Member) {
	t.Helper()
	got, err := s.Members(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]presence.Member{}
	for _, m := range members {
		want[m.Client] = m
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Members(%s) = %v, want %v", channel, got, want)
	}
}

func wantStats(t *testing.T, s presence.Store, channel string, clients, users int) {
	t.Helper()
	got, err := s.Stats(t.Context(), channel)
	if err != nil {
		t.Fatal(err)
	}
	if want := (presence.Stats{Clients: clients, Users: users}); got != want {
		t.Errorf("Stats(%s) = %+v, want %+v", channel, got, want)
	}
}

func wantChannels(t *testing.T, s presence.Store, pattern string, want map[string]int) {
	t.Helper()
	got, err := s.Channels(t.Context(), pattern)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("Channels(%q) = %v, want %v", pattern, got, want)
	}
}
