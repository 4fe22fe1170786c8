package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// HooksConfig is what the hub asks backends.
type HooksConfig struct {
	Price HookConfig `yaml:"price"`
}

// HookConfig is one backend that is asked over HTTP.
type HookConfig struct {
	URL     string       `yaml:"url" help:"where a question is posted, as JSON; none: nobody is asked"`
	Secret  Secret       `yaml:"secret" help:"signs the questions by the scheme of Standard Webhooks: whsec_ and base64"`
	Timeout hub.Duration `yaml:"timeout" help:"how long an answer may take"`
}

// Check reports what cannot be, by its key.
func (c HookConfig) Check(key string) error {
	if c.URL == "" {
		return nil
	}
	if u, err := url.Parse(c.URL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%s.url: %q is no http or https address", key, c.URL)
	}
	if c.Secret == "" {
		return fmt.Errorf("%s.secret: required, so that the backend knows who asks", key)
	}
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(c.Secret), "whsec_")); err != nil || len(raw) < 16 {
		return fmt.Errorf("%s.secret: must be whsec_ and at least 16 bytes in base64", key)
	}
	if c.Timeout <= 0 {
		return fmt.Errorf("%s.timeout: must be longer than nothing", key)
	}
	return nil
}

// maxHookAnswer is the longest answer that is read, in bytes.
const maxHookAnswer = 256 << 10

// hooks asks backends: hub.Options.Ask over HTTP.
//
//	POST URL                    {"type":"price","timestamp":"…","data":{the question}}
//	webhook-id: ask_…           the same for the same question
//	webhook-timestamp: …
//	webhook-signature: v1,…
//
// The answer is 200 and the answer's JSON. Anything else, and nothing within
// the timeout, is no answer. There is one attempt: who asked tries again.
type hooks struct {
	client *http.Client
	topics map[string]*hook
}

type hook struct {
	url     string
	timeout time.Duration
	signer  *webhooks.Webhook
}

func newHooks(c HooksConfig) (*hooks, error) {
	h := &hooks{topics: map[string]*hook{}, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for topic, one := range map[string]HookConfig{commerce.TopicPrice: c.Price} {
		if one.URL == "" {
			continue
		}
		signer, err := webhooks.NewWebhook(string(one.Secret))
		if err != nil {
			return nil, fmt.Errorf("hooks.%s.secret: not readable", topic)
		}
		h.topics[topic] = &hook{one.URL, time.Duration(one.Timeout), signer}
	}
	return h, nil
}

// patience is how long the slowest of them may take.
func (h *hooks) patience() time.Duration {
	longest := time.Duration(0)
	for _, one := range h.topics {
		longest = max(longest, one.timeout)
	}
	return longest
}

// ask implements hub.Options.Ask.
func (h *hooks) ask(ctx context.Context, topic string, question json.RawMessage) (json.RawMessage, error) {
	one := h.topics[topic]
	if one == nil {
		return nil, hub.ErrNobodyAsked
	}
	ctx, cancel := context.WithTimeout(ctx, one.timeout)
	defer cancel()
	now := time.Now()
	body, err := json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp hub.Time        `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{topic, hub.At(now), question})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(topic+"\x00"), question...))
	id := fmt.Sprintf("ask_%x", sum[:16])
	signature, err := one.signer.Sign(id, now, body)
	if err != nil {
		return nil, fmt.Errorf("sign the question: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, one.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "samepage/"+version())
	r.Header.Set(webhooks.HeaderWebhookID, id)
	r.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhooks.HeaderWebhookSignature, signature)
	res, err := h.client.Do(r)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // the address may hold a secret
		}
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxHookAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the backend answers %s", res.Status)
	case len(answer) > maxHookAnswer:
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxHookAnswer)
	case !json.Valid(answer):
		return nil, errors.New("the answer is no JSON")
	}
	return answer, nil
}
