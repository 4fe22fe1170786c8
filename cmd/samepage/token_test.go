package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

func TestATokenSaysWhatItsFlagsSay(t *testing.T) {
	cmd := tokenCommand{
		Sub: "anna", Role: "agent", Name: "Anna", Queues: []string{"support"}, Skills: []string{"fr"}, Capacity: 3,
		Info: `{"name":"Anna"}`, Grants: `[{"channels":["news:*"],"can":["publish"]}]`, Channels: []string{"news:all"},
		Exp: "90", JTI: "j1",
	}
	var out bytes.Buffer
	env := []string{"SAMEPAGE_CLIENT_TOKEN_HMAC_SECRET_KEY=k", "SAMEPAGE_CLIENT_TOKEN_AUDIENCE=a", "SAMEPAGE_CLIENT_TOKEN_ISSUER=i"}
	if err := cmd.Run(&process{stdout: &out, stderr: t.Output(), env: env}); err != nil {
		t.Fatal(err)
	}
	tokens, err := sessions.NewTokens(sessions.TokenOptions{HMACSecret: "k", Audience: "a", Issuer: "i"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := tokens.Identify(t.Context(), strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if life := time.Until(got.ExpiresAt); life < time.Second || life > 90*time.Second {
		t.Errorf("it is good for %s", life)
	}
	got.ExpiresAt = time.Time{}
	want := &sessions.Identity{
		Caller: hub.Caller{
			Actor:  hub.Actor{Role: hub.RoleAgent, ID: "anna", Name: "Anna", Via: "desk"},
			Queues: []string{"support"}, Skills: []string{"fr"}, Capacity: 3,
		},
		Info: []byte(`{"name":"Anna"}`), Channels: []string{"news:all"}, TokenID: "j1",
		Grants: []sessions.Grant{{Channels: []string{"news:*"}, Can: []string{"publish"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATokenThatCannotBeMintedNamesTheFlag(t *testing.T) {
	for want, cmd := range map[string]tokenCommand{
		"--exp: ":   {Sub: "a", Exp: "soon"},
		"--info: ":  {Sub: "a", Exp: "1h", Info: "{"},
		"--grants:": {Sub: "a", Exp: "1h", Grants: "["},
	} {
		err := cmd.Run(&process{stdout: t.Output(), stderr: t.Output(), env: []string{"SAMEPAGE_CLIENT_TOKEN_HMAC_SECRET_KEY=k"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	err := (&tokenCommand{Sub: "a", Exp: "1h"}).Run(&process{stdout: t.Output(), stderr: t.Output()})
	if err == nil || !strings.Contains(err.Error(), "client.token.hmac_secret_key") {
		t.Errorf("without a key: %v", err)
	}
}
