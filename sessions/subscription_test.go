package sessions

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheTimeLeftCountsBegunSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for left, want := range map[time.Duration]uint32{
			300 * time.Second: 300, 299*time.Second + time.Millisecond: 300, time.Millisecond: 1, 0: 1, -time.Hour: 1,
		} {
			if got := ttl(time.Now().Add(left)); got != want {
				t.Errorf("%s left: %d, want %d", left, got, want)
			}
		}
	})
}
