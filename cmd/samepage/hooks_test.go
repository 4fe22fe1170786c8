package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/samepage/samepage/hub"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="

func TestQuestionsAreSignedAndAnswered(t *testing.T) {
	verifier, err := webhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Errorf("the question is not verified: %v", err)
		}
		var q struct {
			Type string
			Data struct{ N int }
		}
		if err := json.Unmarshal(body, &q); err != nil || q.Type != "price" {
			t.Errorf("asked %s", body)
		}
		ids[r.Header.Get("webhook-id")]++
		_ = json.NewEncoder(w).Encode(map[string]int{"twice": 2 * q.Data.N})
	}))
	defer backend.Close()
	h, err := newHooks(HooksConfig{Price: HookConfig{URL: backend.URL, Secret: hookSecret, Timeout: hub.Duration(10 * time.Second)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"3", "3", "4"} {
		answer, err := h.ask(t.Context(), "price", json.RawMessage(`{"N":`+n+`}`))
		if err != nil || !strings.Contains(string(answer), `"twice":`) {
			t.Errorf("%s, %v", answer, err)
		}
	}
	if len(ids) != 2 {
		t.Errorf("two questions have the ids %v", ids)
	}
	if _, err := h.ask(t.Context(), "weather", json.RawMessage(`{}`)); !errors.Is(err, hub.ErrNobodyAsked) {
		t.Errorf("about the weather: %v", err)
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	release := make(chan struct{})
	for name, answer := range map[string]http.HandlerFunc{
		"a status that is not 200": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusTemporaryRedirect)
		},
		"no JSON":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"far too much": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxHookAnswer+1)) },
		"nothing, for too long": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that nobody waits any more
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			backend := httptest.NewServer(answer)
			defer backend.Close()
			timeout := 10 * time.Second
			if strings.HasPrefix(name, "nothing") {
				timeout = 20 * time.Millisecond
			}
			h, err := newHooks(HooksConfig{Price: HookConfig{URL: backend.URL, Secret: hookSecret, Timeout: hub.Duration(timeout)}})
			if err != nil {
				t.Fatal(err)
			}
			if answer, err := h.ask(t.Context(), "price", json.RawMessage(`{}`)); err == nil {
				t.Errorf("answered %s", answer)
			} else if strings.Contains(err.Error(), backend.URL) {
				t.Errorf("the error tells the address: %v", err)
			}
		})
	}
	close(release)
}
