package redis

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/samepage/samepage/hub"
)

func TestSlotIsTheOneOfTheSpecification(t *testing.T) {
	for tag, want := range map[string]int{"123456789": 0x31C3 % slots, "foo": 12182, "": 0} {
		if got := slot(tag); got != want {
			t.Errorf("slot of %q is %d, want %d", tag, got, want)
		}
	}
}

func TestPartitionsAreSpreadEvenlyOverTheSlots(t *testing.T) {
	for _, partitions := range []int{1, 3, 16, 256, 1000} {
		seen := map[string]bool{}
		for p, tag := range newKeys("x", 0, partitions).tags {
			s := slot(tag)
			if s < p*slots/partitions || s >= (p+1)*slots/partitions {
				t.Errorf("partition %d of %d is in slot %d", p, partitions, s)
			}
			if seen[tag] {
				t.Errorf("two partitions of %d have the tag %s", partitions, tag)
			}
			seen[tag] = true
		}
	}
}

func TestAddressesAreRead(t *testing.T) {
	for in, want := range map[string]address{
		"redis://localhost":            {hosts: []string{"localhost:6379"}},
		"redis://h:7000/3":             {hosts: []string{"h:7000"}, db: 3},
		"redis://secret@h":             {hosts: []string{"h:6379"}, password: "secret"},
		"redis://:p%40ss@h":            {hosts: []string{"h:6379"}, password: "p@ss"},
		"redis://me:a:b@h":             {hosts: []string{"h:6379"}, username: "me", password: "a:b"},
		"redis://[::1]:7000":           {hosts: []string{"[::1]:7000"}},
		"rediss://h":                   {hosts: []string{"h:6379"}, secure: true},
		"redis://a,b:7001":             {kind: cluster, hosts: []string{"a:6379", "b:7001"}},
		"redis+cluster://a:1":          {kind: cluster, hosts: []string{"a:1"}},
		"rediss+cluster://u:p@a:1,b:2": {kind: cluster, secure: true, hosts: []string{"a:1", "b:2"}, username: "u", password: "p"},
		"redis+sentinel://a,b:5/main":  {kind: sentinel, hosts: []string{"a:26379", "b:5"}, master: "main"},
		"redis+sentinel://:p@a/main/2": {kind: sentinel, hosts: []string{"a:26379"}, master: "main", db: 2, password: "p"},
		"rediss+sentinel://a/m?sentinel_username=u&sentinel_password=p": {kind: sentinel, secure: true, hosts: []string{"a:26379"}, master: "m",
			sentinelUsername: "u", sentinelPassword: "p"},
	} {
		got, err := parseAddresses([]string{in})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(address{})); diff != "" {
			t.Errorf("%s:\n%s", in, diff)
		}
	}
	if a, err := parseAddresses([]string{"redis://a", "redis://b"}); err != nil || a.kind != cluster || len(a.hosts) != 2 {
		t.Errorf("two addresses are %+v, %v; want a cluster", a, err)
	}
}

func TestAddressesThatAreNoneAreRefusedWithoutTheirSecrets(t *testing.T) {
	for name, in := range map[string][]string{
		"none":                       nil,
		"no scheme":                  {"localhost:6379"},
		"another scheme":             {"http://:hunter2@h"},
		"no host":                    {"redis://:hunter2@"},
		"an empty host":              {"redis+cluster://:hunter2@a,"},
		"a port that is none":        {"redis://:hunter2@h:x"},
		"port zero":                  {"redis://:hunter2@h:0"},
		"a database that is none":    {"redis://:hunter2@h/x"},
		"a database of a cluster":    {"redis+cluster://:hunter2@h/1"},
		"a Sentinel without a name":  {"redis+sentinel://:hunter2@h"},
		"an unknown option":          {"redis://:hunter2@h?hunter2=1&x=1"},
		"several Sentinel addresses": {"redis+sentinel://a/m", "redis+sentinel://:hunter2@b/m"},
		"TLS here and not there":     {"redis://:hunter2@a", "rediss://:hunter2@b"},
		"bad encoding":               {"redis://:hunter2%zz@a"},
	} {
		a, err := parseAddresses(in)
		if err == nil {
			t.Errorf("%s: read as %+v", name, a)
		} else if strings.Contains(err.Error(), ":hunter2") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

func FuzzReadPush(f *testing.F) {
	f.Add([]byte("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"))
	f.Add([]byte("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"))
	f.Add([]byte("-MOVED 1 127.0.0.1:1\r\n"))
	f.Add([]byte("*-1\r\n$-1\r\n*2\r\n$5\r\nab"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(bytes.NewReader(in))
		for range 100 {
			if _, err := readPush(r); err != nil {
				if _, ok := errors.AsType[serverError](err); !ok {
					return
				}
			}
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	for _, m := range []*hub.Message{
		{Type: hub.MessagePublication, Data: []byte("x"), Time: 1, Info: &hub.ClientInfo{Client: "c", User: "u"}, Tags: map[string]string{"a": "b"}},
		{Type: hub.MessageEvent, Event: &hub.Event{Type: "t", Changes: []hub.Change{{Key: "k", Doc: []byte(`{}`)}}}},
	} {
		b, err := encodeMessage(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := decodeMessage("news", hub.Position{Epoch: "e", Offset: 3}, in)
		if err != nil {
			return
		}
		b, err := encodeMessage(m)
		if err != nil {
			t.Fatalf("decoded, and not encoded again: %v", err)
		}
		again, err := decodeMessage("news", m.Position, b)
		if err != nil {
			t.Fatalf("encoded, and not decoded again: %v", err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
