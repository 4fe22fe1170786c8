package sessions_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/sessions"
)

func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims, kid ...string) string {
	t.Helper()
	tok := jwt.NewWithClaims(method, claims)
	for _, k := range kid {
		tok.Header["kid"] = k
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publicPEM(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b}))
}

func TestTokensOfEveryAlgorithm(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM := publicPEM(t, rsaKey.Public())
	all, err := sessions.NewTokens(sessions.TokenOptions{
		HMACSecret: secret, RSAPublicKey: rsaPEM, ECDSAPublicKey: publicPEM(t, ecKey.Public()), EdDSAPublicKey: publicPEM(t, edPublic),
	})
	if err != nil {
		t.Fatal(err)
	}
	rsaOnly, err := sessions.NewTokens(sessions.TokenOptions{RSAPublicKey: rsaPEM})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sessions.NewTokens(sessions.TokenOptions{EdDSAPublicKey: base64.StdEncoding.EncodeToString(edPublic)})
	if err != nil {
		t.Fatal(err)
	}
	none, err := sessions.NewTokens(sessions.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	who := jwt.MapClaims{"sub": "u1"}
	for name, c := range map[string]struct {
		tokens *sessions.Tokens
		token  string
		ok     bool
	}{
		"HS256":                               {all, sign(t, jwt.SigningMethodHS256, []byte(secret), who), true},
		"HS512":                               {all, sign(t, jwt.SigningMethodHS512, []byte(secret), who), true},
		"RS256":                               {all, sign(t, jwt.SigningMethodRS256, rsaKey, who), true},
		"PS384":                               {all, sign(t, jwt.SigningMethodPS384, rsaKey, who), true},
		"ES256":                               {all, sign(t, jwt.SigningMethodES256, ecKey, who), true},
		"EdDSA":                               {all, sign(t, jwt.SigningMethodEdDSA, edKey, who), true},
		"EdDSA with a bare key":               {raw, sign(t, jwt.SigningMethodEdDSA, edKey, who), true},
		"the public key as an HMAC secret":    {rsaOnly, sign(t, jwt.SigningMethodHS256, []byte(rsaPEM), who), false},
		"no signature":                        {all, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, who), false},
		"an algorithm that is not configured": {rsaOnly, sign(t, jwt.SigningMethodHS256, []byte(secret), who), false},
		"an empty secret where none is set":   {none, sign(t, jwt.SigningMethodHS256, []byte{}, who), false},
		"another key":                         {all, sign(t, jwt.SigningMethodHS256, []byte("another"), who), false},
		"cut off":                             {all, sign(t, jwt.SigningMethodHS256, []byte(secret), who)[:60], false},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := c.tokens.Identify(t.Context(), c.token)
			if (err == nil) != c.ok {
				t.Fatalf("error %v", err)
			}
			if err != nil && !errors.Is(err, sessions.ErrTokenInvalid) {
				t.Fatalf("not ErrTokenInvalid: %v", err)
			}
			if err == nil && (id.ID != "u1" || id.Role != hub.RoleGuest) {
				t.Fatalf("identity %+v", id)
			}
		})
	}
}

func TestClaimsMakeAnIdentity(t *testing.T) {
	tokens, err := sessions.NewTokens(sessions.TokenOptions{HMACSecret: secret, Audience: "shop", Issuer: "login"})
	if err != nil {
		t.Fatal(err)
	}
	make := func(claims jwt.MapClaims) string {
		for k, v := range map[string]any{"sub": "u1", "aud": []string{"shop", "x"}, "iss": "login"} {
			if _, ok := claims[k]; !ok {
				claims[k] = v
			}
		}
		return sign(t, jwt.SigningMethodHS256, []byte(secret), claims)
	}
	id, err := tokens.Identify(t.Context(), make(jwt.MapClaims{
		"role": "agent", "queues": []string{"support"}, "skills": []string{"de"}, "capacity": 3, "info": map[string]any{"name": "Ana"},
		"channels": []string{"news"}, "grants": []map[string]any{{"channels": []string{"ops:*"}, "can": []string{"publish"}}}, "jti": "t1", "exp": 4102444800,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if id.Role != "agent" || id.Queues[0] != "support" || id.Skills[0] != "de" || id.Capacity != 3 || id.TokenID != "t1" ||
		id.Channels[0] != "news" || id.ExpiresAt.Unix() != 4102444800 || string(id.Info) != `{"name":"Ana"}` {
		t.Fatalf("identity %+v", id)
	}
	if !id.Granted("publish", "ops:a") || id.Granted("publish", "news") || id.Granted("subscribe", "ops:a") {
		t.Fatal("grants are wrong")
	}
	if c, err := tokens.Identify(t.Context(), make(jwt.MapClaims{"role": "customer"})); err != nil || c.Context != "u1" {
		t.Fatalf("customer without context: %+v %v", c, err)
	}
	if c, err := tokens.Identify(t.Context(), make(jwt.MapClaims{"role": "customer", "context": "c-9"})); err != nil || c.Context != "c-9" {
		t.Fatalf("customer with context: %+v %v", c, err)
	}
	for name, claims := range map[string]jwt.MapClaims{
		"another audience":       {"aud": "else"},
		"another issuer":         {"iss": "else"},
		"an unknown right":       {"grants": []map[string]any{{"channels": []string{"a"}, "can": []string{"fly"}}}},
		"the hub's own role":     {"role": "system"},
		"a role that is no text": {"role": 1},
	} {
		if _, err := tokens.Identify(t.Context(), make(claims)); !errors.Is(err, sessions.ErrTokenInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tokens.Identify(t.Context(), make(jwt.MapClaims{"exp": 1})); !errors.Is(err, sessions.ErrTokenExpired) {
		t.Errorf("expired: %v", err)
	}
	if _, err := tokens.Identify(t.Context(), make(jwt.MapClaims{"exp": 1, "role": "king"})); err == nil {
		t.Error("expired and of an unknown role was taken")
	}
}

func TestAKeySetMayRotate(t *testing.T) {
	type published struct {
		kid string
		key *ecdsa.PrivateKey
	}
	make := func(kid string) published {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return published{kid, key}
	}
	a, b := make("a"), make("b")
	var mu sync.Mutex
	now, fetches := []published{a}, 0
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fetches++
		var keys []map[string]string
		for _, p := range now {
			x, y := make32(p.key.X), make32(p.key.Y)
			keys = append(keys, map[string]string{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": p.kid, "x": x, "y": y})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	}))
	defer issuer.Close()
	tokens, err := sessions.NewTokens(sessions.TokenOptions{JWKSURL: issuer.URL, JWKSPause: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	try := func(p published) error {
		_, err := tokens.Identify(t.Context(), sign(t, jwt.SigningMethodES256, p.key, jwt.MapClaims{"sub": "u1"}, p.kid))
		return err
	}
	if err := try(a); err != nil {
		t.Fatal(err)
	}
	if err := try(b); err == nil {
		t.Fatal("a key that is not published was taken")
	}
	mu.Lock()
	now = []published{b}
	before := fetches
	mu.Unlock()
	for range 20 { // in the pause nothing is fetched, whatever tokens say
		_ = try(make("made-up"))
	}
	mu.Lock()
	if fetches > before+1 {
		t.Fatalf("%d fetches for made-up keys", fetches-before)
	}
	mu.Unlock()
	time.Sleep(60 * time.Millisecond)
	if err := try(b); err != nil {
		t.Fatalf("the new key: %v", err)
	}
	if err := try(a); err == nil {
		t.Fatal("a withdrawn key was taken")
	}
	if err := try(published{"b", a.key}); err == nil {
		t.Fatal("a foreign key under a known id was taken")
	}
	if _, err := tokens.Identify(t.Context(), sign(t, jwt.SigningMethodHS256, []byte("x"), jwt.MapClaims{"sub": "u1"}, "b")); err == nil {
		t.Fatal("HMAC was taken beside a key set")
	}
}

func make32(n *big.Int) string {
	return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, 32)))
}
