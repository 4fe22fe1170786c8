package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"strings"
	"time"
)

// compareEvery is how many signs of life there are between two comparisons of
// what this node holds with what is stored.
const compareEvery = 3

// begin gives the node a name and says that it lives, before its first member.
func (s *Store) begin(ctx context.Context) error {
	s.life.RLock()
	named := s.node != ""
	s.life.RUnlock()
	if named {
		return nil
	}
	s.begun.Lock()
	defer s.begun.Unlock()
	if s.node != "" {
		return nil
	}
	node := rand.Text()
	if _, _, err := s.live(ctx, node, s.opts.Lease); err != nil {
		return err
	}
	s.life.Lock()
	s.node = node
	s.life.Unlock()
	return nil
}

// Run says that this node lives, and ends the membership of those that do
// not, until ctx ends. It returns after everything it started; members that
// are left then are taken for those of a dead node.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(s.opts.Lease / 3)
	defer tick.Stop()
	for round := 0; ; round++ {
		if err := s.round(ctx, round); err != nil && ctx.Err() == nil {
			s.log.Warn("presence cannot be kept up", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_, _, _ = s.live(ending, s.node, 0)
			return ctx.Err()
		}
	}
}

func (s *Store) round(ctx context.Context, round int) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	was, dead, err := s.live(ctx, s.node, s.opts.Lease)
	if err != nil {
		return err
	}
	switch {
	case !was:
		if err := s.rise(ctx); err != nil {
			return err
		}
	case round%compareEvery == 0:
		if err := s.compare(ctx); err != nil {
			return err
		}
	}
	for _, node := range dead {
		if err := s.bury(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// live says that a node lives for a time. was is false if it had been taken
// for dead, or was never heard of; dead are the nodes that are.
func (s *Store) live(ctx context.Context, node string, lease time.Duration) (was bool, dead []string, err error) {
	reply, err := liveScript.Run(ctx, s.client, []string{s.nodes()}, node, lease.Milliseconds()).Slice()
	if err != nil {
		return false, nil, s.failed(ctx, "sign of life", err)
	}
	if len(reply) == 0 {
		return false, nil, errors.New("presence: an empty reply to a sign of life")
	}
	for _, v := range reply[1:] {
		if name, ok := v.(string); ok && name != s.node {
			dead = append(dead, name)
		}
	}
	return reply[0] == int64(0), dead, nil
}

// rise is what a node does that was taken for dead: it takes another name and
// joins its members again.
func (s *Store) rise(ctx context.Context) error {
	s.life.Lock()
	defer s.life.Unlock()
	node := rand.Text()
	if _, _, err := s.live(ctx, node, s.opts.Lease); err != nil {
		return err
	}
	s.log.Warn("this node was taken for dead; its members join again")
	s.node = node
	for p := range partitions {
		if err := s.joinAgain(ctx, p); err != nil {
			return err // the next comparison goes on
		}
	}
	return nil
}

// compare joins the members of partitions again that have not as many of ours
// as we hold.
func (s *Store) compare(ctx context.Context) error {
	pipe := s.client.Pipeline()
	var counts [partitions]interface{ Val() int64 }
	for p := range counts {
		counts[p] = pipe.HLen(ctx, s.key(p, "node:"+s.node))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return s.failed(ctx, "comparison", err)
	}
	for p, count := range counts {
		s.mu.Lock()
		n := len(s.mine[p])
		s.mu.Unlock()
		if int64(n) == count.Val() {
			continue
		}
		s.life.Lock() // what was under way when we counted is over now
		err := s.joinAgain(ctx, p)
		s.life.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// joinAgain joins the members of a partition that we hold, and removes those
// that the store takes for ours and are not. s.life is held.
func (s *Store) joinAgain(ctx context.Context, p int) error {
	s.mu.Lock()
	mine := maps.Clone(s.mine[p])
	s.mu.Unlock()
	stored, err := s.client.HKeys(ctx, s.key(p, "node:"+s.node)).Result()
	if err != nil {
		return s.failed(ctx, "comparison", err)
	}
	there := make(map[held]bool, len(stored))
	for _, name := range stored {
		client, channel, _ := strings.Cut(name, " ")
		h := held{channel, client}
		there[h] = true
		if _, ok := mine[h]; !ok {
			if _, _, err := s.leave(ctx, channel, client, s.node); err != nil {
				return err
			}
		}
	}
	for h, m := range mine {
		if there[h] {
			continue
		}
		fresh, err := s.join(ctx, h.channel, m)
		if err != nil {
			return err
		}
		if fresh && s.opts.Joined != nil {
			s.opts.Joined(h.channel, m)
		}
	}
	return nil
}

// bury ends the membership of a dead node's members and forgets the node.
func (s *Store) bury(ctx context.Context, node string) error {
	for p := range partitions {
		for {
			names, _, err := s.client.HScan(ctx, s.key(p, "node:"+node), 0, "", 256).Result()
			if err != nil {
				return s.failed(ctx, "members of a dead node", err)
			}
			if len(names) == 0 {
				break
			}
			for i := 0; i < len(names); i += 2 {
				client, channel, _ := strings.Cut(names[i], " ")
				m, removed, err := s.leave(ctx, channel, client, node)
				if err != nil {
					return err
				}
				if removed && s.opts.Left != nil {
					s.opts.Left(channel, m)
				}
				if !removed { // it is another's by now
					if err := s.client.HDel(ctx, s.key(p, "node:"+node), names[i]).Err(); err != nil {
						return s.failed(ctx, "members of a dead node", err)
					}
				}
			}
		}
	}
	if err := s.client.ZRem(ctx, s.nodes(), node).Err(); err != nil {
		return s.failed(ctx, "a dead node", err)
	}
	s.log.Info("a node is gone", "node", node)
	return nil
}
