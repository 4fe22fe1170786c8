package redis

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/samepage/samepage/hub"
)

//go:embed commit.lua
var commitLua string

// grace is how long a remembered command outlives its time, which is counted
// by the hub's clock and not by the server's.
const grace = time.Hour

var commitScript = newScript(writes + epochLua + commitLua)

// Commit implements [hub.Engine]: one script, one round trip, one slot.
func (e *Engine) Commit(ctx context.Context, c *hub.Commit) (hub.Result, error) {
	if c.Event == nil && len(c.Entries) > 0 {
		return hub.Result{}, errors.New("hub/redis: entries cannot change without an event")
	}
	partition := e.keys.partition(c.Channel)
	args, err := e.commitCall(partition, c)
	if err != nil {
		return hub.Result{}, err
	}
	reply, err := e.call(ctx, partition, args, commitScript, true)
	if err != nil {
		return hub.Result{}, err
	}
	r, err := list(reply, 1)
	if err != nil {
		return hub.Result{}, err
	}
	switch status := text(r[0]); {
	case status == "ok" && len(r) == 4:
		pos, err := position(r[1], r[2])
		if err != nil {
			return hub.Result{}, err
		}
		res := hub.Result{Position: pos}
		if text(r[3]) == "1" {
			res.Event = withVersions(c.Event, pos.Offset)
		}
		return res, nil
	case status == "known" && len(r) == 6:
		return e.known(c.Channel, r)
	case status == "conflict":
		return hub.Result{}, hub.ErrConflict
	case status == "reused":
		return hub.Result{}, hub.ErrCommandIDReused
	}
	return hub.Result{}, fmt.Errorf("hub/redis: unexpected reply %q of a commit", r)
}

// known is the remembered answer.
func (e *Engine) known(name hub.Channel, r []any) (hub.Result, error) {
	pos, err := position(r[1], r[2])
	if err != nil {
		return hub.Result{}, err
	}
	res := hub.Result{Position: pos, Replayed: true}
	if problem := text(r[4]); problem != "" {
		res.Problem = []byte(problem)
	}
	if stored := text(r[5]); stored != "" {
		m, err := decodeMessage(name, pos, []byte(stored))
		if err != nil {
			return hub.Result{}, corruptKey(e.keys.of(e.keys.partition(name), keyLog+string(name)), "at "+strconv.FormatUint(pos.Offset, 10), err)
		}
		res.Event = m.Event
	}
	return res, nil
}

// commitCall lays a commit out as commit.lua reads it.
func (e *Engine) commitCall(partition int, c *hub.Commit) ([]any, error) {
	of := func(what string) string { return e.keys.of(partition, what) }
	name, now := string(c.Channel), c.Now.UnixMilli()
	keys := []string{
		of(keyPartition), of(keyRecords), of(keyNames), of(keyTimers), of(keyDue),
		of(keyHead + name), of(keyEntries + name), of(keyLog + name), of(keyHead + name), of(keyHead + name),
	}
	var hash, nonce string
	ttl, expires := int64(0), int64(0)
	if c.Command.ID != "" {
		keys[8] = of(keyCommand + name + " " + c.Command.ID)
		if len(c.Command.Problem) > 0 {
			keys[9] = of(keyRefused + name)
		}
		hash, nonce = string(c.Command.Hash[:]), rand.Text()[:8]
		expires = c.Command.Expires.UnixMilli()
		ttl = max(expires-now, 0) + grace.Milliseconds()
	}
	var offset string
	if c.Offset != nil {
		offset = strconv.FormatUint(*c.Offset, 10)
	}
	var message []byte
	if c.Event != nil {
		var err error
		message, err = encodeMessage(&hub.Message{Type: hub.MessageEvent, Event: c.Event, Time: now})
		if err != nil {
			return nil, err
		}
	}
	args := commitScript.call(keys,
		e.word(), now, c.Epoch, offset, hash, nonce, ttl, expires, []byte(c.Command.Problem), message, name,
		e.publish, e.keys.topic(partition, topicChannel+name), e.keys.topic(partition, topicRecords),
		e.opts.LogSize, now-e.opts.LogAge.Milliseconds()+1, max(e.opts.RecordsSize/e.Partitions(), 1), now-e.opts.RecordsAge.Milliseconds()+1,
		len(c.Expect), len(c.Entries), len(c.Timers))
	size := len(message) + len(c.Command.Problem)
	for key, version := range c.Expect {
		args = append(args, key, strconv.FormatUint(version, 10))
	}
	for key, doc := range c.Entries {
		args = append(args, key, []byte(doc))
		size += len(key) + len(doc)
	}
	for _, t := range c.Timers {
		due, timer := "", ""
		if !t.Due.IsZero() {
			due = strconv.FormatInt(t.Due.UnixMilli(), 10)
			timer = due + " " + t.Method + " " + string(t.Args)
		}
		args = append(args, timerMember(c.Channel, t.Key), due, timer)
		size += len(timer)
	}
	return args, e.fits(c.Channel, size)
}

// fits refuses what is too large before it is sent.
func (e *Engine) fits(name hub.Channel, size int) error {
	if size > e.opts.MaxCommit {
		return fmt.Errorf("hub/redis: %d bytes for %s, more than %d", size, name, e.opts.MaxCommit)
	}
	return nil
}
