package sessions

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestANodeThatSaysNothingIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(nil, nil, nil, Options{Name: "here"})
		s.hear(Node{UID: "b", Name: "there"})
		s.hear(Node{UID: s.uid, Name: "an echo"})
		names := func() (all []string) {
			for _, n := range s.Nodes() {
				all = append(all, n.Name)
			}
			return all
		}
		if got := names(); len(got) != 2 || got[0] != "here" || got[1] != "there" {
			t.Fatalf("nodes %v", got)
		}
		time.Sleep(nodeSilence)
		if got := names(); len(got) != 2 {
			t.Fatalf("nodes %v, though one may still be late", got)
		}
		time.Sleep(time.Second)
		if got := names(); len(got) != 1 {
			t.Fatalf("nodes %v after a silence", got)
		}
	})
}
