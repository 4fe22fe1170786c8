package sessions

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	defaultKeySetRefresh = time.Hour
	defaultKeySetPause   = 5 * time.Second
	keySetTimeout        = 10 * time.Second
	maxKeySet            = 1 << 20
)

// keySet is a JWKS kept in memory. Keys that the issuer adds are found when a
// token first names them; those it withdraws are gone with the next fetch.
type keySet struct {
	url     string
	refresh time.Duration
	// pause is how long an unknown key id does not lead to another fetch: whoever sends tokens
	// with made-up ids must not make the hub hammer the issuer.
	pause  time.Duration
	client *http.Client

	fetching sync.Mutex // held during a fetch, so that there is one at a time

	mu      sync.Mutex // guards the following fields
	keys    keyfunc.Keyfunc
	fetched time.Time // when the last fetch ended, well or not
}

func newKeySet(url string, refresh, pause time.Duration) *keySet {
	if refresh <= 0 {
		refresh = defaultKeySetRefresh
	}
	if pause <= 0 {
		pause = defaultKeySetPause
	}
	return &keySet{url: url, refresh: refresh, pause: pause, client: &http.Client{Timeout: keySetTimeout}}
}

// run fetches now and then, until ctx ends.
func (k *keySet) run(ctx context.Context) error {
	tick := time.NewTicker(k.refresh)
	defer tick.Stop()
	defer k.client.CloseIdleConnections()
	for {
		_ = k.fetch(ctx, 0) // without a set, tokens are refused, with the reason in the log
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// key finds the key a token names; one that is unknown is looked for at the issuer.
func (k *keySet) key(ctx context.Context, token *jwt.Token) (any, error) {
	k.mu.Lock()
	keys := k.keys
	k.mu.Unlock()
	var err error
	if keys != nil {
		var key any
		if key, err = keys.KeyfuncCtx(ctx)(token); err == nil {
			return key, nil
		}
	}
	if fetched := k.fetch(ctx, k.pause); fetched != nil {
		return nil, fetched
	}
	k.mu.Lock()
	keys = k.keys
	k.mu.Unlock()
	if keys == nil {
		return nil, fmt.Errorf("no key set yet")
	}
	return keys.KeyfuncCtx(ctx)(token)
}

// fetch loads the set, unless that was done less than pause ago.
func (k *keySet) fetch(ctx context.Context, pause time.Duration) error {
	k.fetching.Lock()
	defer k.fetching.Unlock()
	k.mu.Lock()
	recent := pause > 0 && time.Since(k.fetched) < pause
	k.mu.Unlock()
	if recent {
		return nil
	}
	keys, err := k.load(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fetched = time.Now()
	if err != nil {
		return fmt.Errorf("fetch key set: %w", err)
	}
	k.keys = keys
	return nil
}

func (k *keySet) load(ctx context.Context) (keyfunc.Keyfunc, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answered %s", res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet))
	if err != nil {
		return nil, err
	}
	return keyfunc.NewJWKSetJSON(body)
}
