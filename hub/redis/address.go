package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// address is where the store is, as one or several URLs said.
type address struct {
	kind     kind
	secure   bool
	hosts    []string // host:port
	username string
	password string
	db       int

	master           string // of Sentinel
	sentinelUsername string
	sentinelPassword string
}

type kind int

const (
	standalone kind = iota
	sentinel
	cluster
)

var schemes = map[string]address{
	"redis": {kind: standalone}, "rediss": {kind: standalone, secure: true},
	"redis+sentinel": {kind: sentinel}, "rediss+sentinel": {kind: sentinel, secure: true},
	"redis+cluster": {kind: cluster}, "rediss+cluster": {kind: cluster, secure: true},
}

// parseAddresses reads what Options.Addresses documents. Its errors show no passwords.
func parseAddresses(urls []string) (address, error) {
	if len(urls) == 0 {
		return address{}, errors.New("no address of a Redis server, such as redis://127.0.0.1:6379")
	}
	a, err := parseAddress(urls[0])
	if err != nil {
		return address{}, err
	}
	for _, more := range urls[1:] {
		b, err := parseAddress(more)
		if err != nil {
			return address{}, err
		}
		if a.kind == sentinel || b.kind == sentinel {
			return address{}, errors.New("several Sentinels go into one address: redis+sentinel://host:port,host:port/NAME")
		}
		if a.secure != b.secure || a.username != b.username || a.password != b.password {
			return address{}, errors.New("the addresses of a cluster differ in TLS or credentials")
		}
		a.hosts = append(a.hosts, b.hosts...)
	}
	if len(urls) > 1 {
		a.kind = cluster
	}
	if a.kind == cluster && a.db != 0 {
		return address{}, errors.New("a cluster has database 0 only")
	}
	return a, nil
}

// parseAddress reads one URL. net/url refuses several hosts, so it is only asked for the parts.
func parseAddress(s string) (address, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	a, known := schemes[scheme]
	if !ok || !known {
		return address{}, fmt.Errorf("the address does not begin with redis://, rediss://, redis+sentinel:// or redis+cluster://")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, password, has := strings.Cut(rest[:i], ":")
		if !has {
			user, password = "", user // redis://secret@host
		}
		var err, err2 error
		a.username, err = url.PathUnescape(user)
		a.password, err2 = url.PathUnescape(password)
		if err != nil || err2 != nil {
			return address{}, errors.New("the address's credentials are not percent-encoded")
		}
		rest = rest[i+1:]
	}
	hosts, path, _ := strings.Cut(rest, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		host, err := hostPort(host, a.kind)
		if err != nil {
			return address{}, err
		}
		a.hosts = append(a.hosts, host)
	}
	if a.kind == standalone && len(a.hosts) > 1 {
		a.kind = cluster
	}
	if a.kind == sentinel {
		a.master, path, _ = strings.Cut(path, "/")
		if a.master == "" {
			return address{}, errors.New("a Sentinel address ends with the master's name: redis+sentinel://host:port/NAME")
		}
	}
	if path != "" {
		db, err := strconv.Atoi(path)
		if err != nil || db < 0 {
			return address{}, fmt.Errorf("%q is no number of a database", path)
		}
		a.db = db
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return address{}, errors.New("the address's query is not readable")
	}
	for name := range values {
		switch {
		case name == "sentinel_username" && a.kind == sentinel:
			a.sentinelUsername = values.Get(name)
		case name == "sentinel_password" && a.kind == sentinel:
			a.sentinelPassword = values.Get(name)
		default:
			return address{}, fmt.Errorf("the address has an unknown option %q", name)
		}
	}
	return a, nil
}

func hostPort(s string, k kind) (string, error) {
	port := "6379"
	if k == sentinel {
		port = "26379"
	}
	if s == "" {
		return "", errors.New("the address names no host")
	}
	if host, p, err := net.SplitHostPort(s); err == nil {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return "", fmt.Errorf("%q is no port", p)
		}
		return net.JoinHostPort(host, p), nil
	}
	return net.JoinHostPort(strings.Trim(s, "[]"), port), nil
}

func (a address) tls(with *tls.Config) *tls.Config {
	if !a.secure {
		return nil
	}
	if with == nil {
		with = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	with = with.Clone()
	if with.ServerName == "" && len(a.hosts) > 0 && a.kind == standalone {
		with.ServerName, _, _ = net.SplitHostPort(a.hosts[0])
	}
	return with
}
