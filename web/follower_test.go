package web

import (
	"testing"

	"github.com/samepage/samepage/hub"
)

func TestFollowerEndsWhereItsFirstGapWouldBe(t *testing.T) {
	f := newFollower(2)
	for offset := range 5 {
		f.Deliver(&hub.Message{Position: hub.Position{Offset: uint64(offset + 1)}})
	}
	f.Lost(hub.ErrLost)
	if got := (<-f.messages).Position.Offset; got != 1 {
		t.Errorf("first is %d", got)
	}
	f.Deliver(&hub.Message{Position: hub.Position{Offset: 6}}) // there is room again, but 3 to 5 are missing
	if got := (<-f.messages).Position.Offset; got != 2 {
		t.Errorf("second is %d", got)
	}
	select {
	case m := <-f.messages:
		t.Errorf("%d comes behind a gap", m.Position.Offset)
	default:
	}
	if err := <-f.ended; err != errSlow {
		t.Errorf("ended by %v, want the first reason", err)
	}
}
