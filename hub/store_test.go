package hub_test

import (
	"path/filepath"
	"testing"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/bolt"
)

// newStore is a fresh engine for one test.
func newStore(t *testing.T) hub.Engine {
	t.Helper()
	engine, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}
