package redis

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/samepage/samepage/hub"
)

// Load implements [hub.Engine].
func (e *Engine) Load(ctx context.Context, name hub.Channel) (hub.Snapshot, error) {
	p := e.keys.partition(name)
	entries := e.keys.of(p, keyEntries+string(name))
	reply, err := e.run(ctx, p, loadScript, []string{e.keys.of(p, keyPartition), e.keys.of(p, keyHead+string(name)), entries}, e.word(), string(name))
	if err != nil {
		return hub.Snapshot{}, err
	}
	r, err := list(reply, 3)
	if err != nil {
		return hub.Snapshot{}, err
	}
	pos, err := position(r[0], r[1])
	if err != nil {
		return hub.Snapshot{}, corruptKey(e.keys.of(p, keyHead+string(name)), "", err)
	}
	pairs, err := list(r[2], 0)
	if err != nil {
		return hub.Snapshot{}, err
	}
	s := hub.Snapshot{Channel: name, Position: pos, Entries: make(map[string]hub.Entry, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		version, doc, _ := strings.Cut(text(pairs[i+1]), " ")
		entry := hub.Entry{Doc: json.RawMessage(doc)}
		if entry.Version, err = strconv.ParseUint(version, 10, 64); err == nil && !json.Valid(entry.Doc) {
			err = errors.New("no JSON document")
		}
		if err != nil {
			return hub.Snapshot{}, corruptKey(entries, "field "+text(pairs[i]), err)
		}
		s.Entries[text(pairs[i])] = entry
	}
	return s, nil
}

// History implements [hub.Engine].
func (e *Engine) History(ctx context.Context, name hub.Channel, q hub.HistoryQuery) (hub.History, error) {
	p := e.keys.partition(name)
	log := e.keys.of(p, keyLog+string(name))
	key, kind := e.standing(p, name)
	var epoch, offset, reverse string
	if q.Since != nil {
		epoch, offset = q.Since.Epoch, strconv.FormatUint(q.Since.Offset, 10)
	}
	if q.Reverse {
		reverse = "reverse"
	}
	reply, err := e.run(ctx, p, historyScript,
		[]string{e.keys.of(p, keyPartition), e.keys.of(p, keyForget), key, log},
		e.word(), e.millis(), string(name), kind, epoch, offset, q.Limit, reverse)
	if err != nil {
		return hub.History{}, err
	}
	r, err := list(reply, 2)
	if err != nil {
		return hub.History{}, err
	}
	pos, err := position(r[0], r[1])
	if err != nil {
		return hub.History{}, corruptKey(key, "", err)
	}
	h := hub.History{Position: pos}
	if len(r) == 2 {
		return h, hub.ErrEpoch
	}
	rows, err := list(r[2], 0)
	if err != nil {
		return hub.History{}, err
	}
	if len(rows) > 0 {
		h.Messages = make([]*hub.Message, 0, len(rows))
	}
	for _, row := range rows {
		offset, fields, err := parseRow(row)
		if err != nil {
			return hub.History{}, corruptKey(log, "", err)
		}
		m, err := decodeMessage(name, hub.Position{Epoch: pos.Epoch, Offset: offset}, []byte(fields["m"]))
		if err != nil {
			return hub.History{}, corruptKey(log, "at "+strconv.FormatUint(offset, 10), err)
		}
		h.Messages = append(h.Messages, m)
	}
	return h, nil
}

// standing is the key that holds a channel's position, and which kind it is.
func (e *Engine) standing(partition int, name hub.Channel) (key, kind string) {
	if name.HasEntries() {
		return e.keys.of(partition, keyHead+string(name)), "entries"
	}
	return e.keys.of(partition, keyPlain+string(name)), "plain"
}

// parseRow reads a row of a stream, whose id is a number.
func parseRow(row any) (uint64, map[string]string, error) {
	r, err := list(row, 2)
	if err != nil {
		return 0, nil, err
	}
	id, _, _ := strings.Cut(text(r[0]), "-")
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return 0, nil, err
	}
	pairs, err := list(r[1], 0)
	if err != nil {
		return 0, nil, err
	}
	fields := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[text(pairs[i])] = text(pairs[i+1])
	}
	return n, fields, nil
}

// Heads implements [hub.Engine]: one call for each partition concerned, together.
func (e *Engine) Heads(ctx context.Context, names []hub.Channel) ([]hub.Position, error) {
	byPartition := map[int][]int{}
	for i, name := range names {
		p := e.keys.partition(name)
		byPartition[p] = append(byPartition[p], i)
	}
	heads := make([]hub.Position, len(names))
	err := each(byPartition, func(p int, of []int) error {
		keys := []string{e.keys.of(p, keyPartition), e.keys.of(p, keyForget)}
		args := []any{e.word(), e.millis()}
		for _, i := range of {
			key, kind := e.standing(p, names[i])
			keys = append(keys, key, e.keys.of(p, keyLog+string(names[i])))
			args = append(args, string(names[i]), kind)
		}
		reply, err := e.run(ctx, p, headsScript, keys, args...)
		if err != nil {
			return err
		}
		r, err := list(reply, 2*len(of))
		if err != nil {
			return err
		}
		for n, i := range of {
			if heads[i], err = position(r[2*n], r[2*n+1]); err != nil {
				return corruptKey(keys[2+2*n], "", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}

// Channels implements [hub.Engine].
func (e *Engine) Channels(ctx context.Context, prefix string) iter.Seq2[hub.Channel, error] {
	return func(yield func(hub.Channel, error) bool) {
		for p := range e.Partitions() {
			seen := map[string]bool{} // a scan may show a name twice
			for cursor := "0"; ; {
				reply, err := e.call(ctx, p, []any{"SSCAN", e.keys.of(p, keyNames), cursor, "COUNT", 1000}, nil, false)
				if err == nil {
					var r []any
					if r, err = list(reply, 2); err == nil {
						cursor = text(r[0])
						names, _ := r[1].([]any)
						for _, v := range names {
							name := text(v)
							if strings.HasPrefix(name, prefix) && !seen[name] {
								seen[name] = true
								if !yield(hub.Channel(name), nil) {
									return
								}
							}
						}
					}
				}
				if err != nil {
					yield("", err)
					return
				}
				if cursor == "0" {
					break
				}
			}
		}
	}
}
