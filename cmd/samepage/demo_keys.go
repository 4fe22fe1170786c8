package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// keys are what a demo signs and opens with. They are kept beside its store,
// for its owner alone, so that open pages go on after a restart.
type keys struct {
	HMAC string `json:"hmac_secret_key"`
	API  string `json:"api_key"`
}

// demoKeys fills in what the configuration does not say from the file, which
// is made if it is not there.
func (c *Config) demoKeys(name string) error {
	if c.Client.Token.HMACSecretKey != "" && c.HTTPAPI.Key != "" {
		return nil
	}
	k, err := readKeys(name)
	if errors.Is(err, fs.ErrNotExist) {
		k, err = writeKeys(name)
	}
	if err != nil {
		return fmt.Errorf("the demo's keys: %w", err)
	}
	if c.Client.Token.HMACSecretKey == "" {
		c.Client.Token.HMACSecretKey = Secret(k.HMAC)
	}
	if c.HTTPAPI.Key == "" {
		c.HTTPAPI.Key = Secret(k.API)
	}
	return nil
}

func readKeys(name string) (keys, error) {
	var k keys
	b, err := os.ReadFile(name)
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(b, &k); err != nil || k.HMAC == "" || k.API == "" {
		return k, fmt.Errorf("%s holds no keys; remove it to have new ones made", name)
	}
	return k, nil
}

func writeKeys(name string) (keys, error) {
	k := keys{HMAC: rand.Text() + rand.Text(), API: rand.Text()}
	b, err := json.Marshal(k)
	if err != nil {
		return k, err
	}
	return k, os.WriteFile(name, append(b, '\n'), 0o600)
}
