package redis

import (
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/samepage/samepage/hub"
)

func unavailable(err error) error { return fmt.Errorf("%w: %w", hub.ErrUnavailable, err) }

// verdict says what an error of a call means for it.
type verdict int

const (
	broken  verdict = iota // the connection: the outcome is unknown
	moved                  // not done; the topology is to be looked at, then again
	unknown                // not done; the server does not know the script
	refused                // not done; the server cannot just now
	wrong                  // the server's answer to this call alone
)

// judge reads an error that is not nil.
func judge(err error) verdict {
	re, ok := errors.AsType[goredis.Error](err)
	if !ok {
		return broken
	}
	code, _, _ := strings.Cut(re.Error(), " ")
	switch code {
	case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "LOADING", "MASTERDOWN":
		return moved
	case "NOSCRIPT":
		return unknown
	case "OOM", "MISCONF", "NOREPLICAS", "BUSY", "NOAUTH", "NOPERM", "WRONGPASS":
		return refused
	case "ERR":
		if strings.Contains(re.Error(), "max number of clients") {
			return broken
		}
	}
	return wrong
}

// corrupt names the key that a script, or the server, found to be unreadable.
func corrupt(err error) error {
	if text, ok := strings.CutPrefix(err.Error(), "CORRUPT "); ok {
		key, reason, _ := strings.Cut(text, ": ")
		return corruptKey(key, "", errors.New(strings.TrimSuffix(reason, ".")))
	}
	return fmt.Errorf("hub/redis: %w", err)
}

func corruptKey(key, where string, err error) error {
	if where != "" {
		key += " " + where
	}
	return fmt.Errorf("hub/redis: key %s is %w: %w", key, hub.ErrCorrupt, err)
}
