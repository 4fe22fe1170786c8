package sessions

import (
	"testing"
	"time"

	"github.com/samepage/samepage/hub"
)

func TestCallersAreLimitedOneByOneAndForgotten(t *testing.T) {
	c := callers{buckets: map[caller]*bucket{}}
	ada, bob := caller{hub.RoleCustomer, "ada", ""}, caller{hub.RoleCustomer, "bob", ""}
	now := time.Now()
	draw := func(who caller, want bool) {
		t.Helper()
		if got := c.draw(who, now, 2, 4); got != want {
			t.Fatalf("%s drew %v, want %v", who.id, got, want)
		}
	}
	for range 4 {
		draw(ada, true)
	}
	draw(ada, false)
	draw(bob, true)
	now = now.Add(time.Second)
	draw(ada, true)
	draw(ada, true)
	draw(ada, false)
	now = now.Add(time.Minute)
	draw(bob, true)
	if len(c.buckets) != 1 {
		t.Fatalf("%d buckets are kept, want bob's alone", len(c.buckets))
	}
}
