package presence_test

import (
	"testing"

	"github.com/samepage/samepage/presence"
	"github.com/samepage/samepage/presence/presencetest"
)

func TestMemory(t *testing.T) {
	presencetest.Run(t, func(*testing.T) presence.Store { return presence.NewMemory() })
}
