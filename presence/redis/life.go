package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"
)

// compareEvery is how many signs of life there are between two comparisons of
// what this node holds with what is stored.
const compareEvery = 3

// begin gives the node a name and says that it lives, before its first member.
func (s *Store) begin(ctx context.Context) error {
	if s.name() != "" {
		return nil
	}
	s.begun.Lock()
	defer s.begun.Unlock()
	if s.name() != "" {
		return nil
	}
	node := rand.Text()
	if _, err := s.live(ctx, node, s.opts.Lease); err != nil {
		return err
	}
	s.life.Lock()
	s.node.Store(&node)
	s.life.Unlock()
	return nil
}

// name is the one this node lives under, "" before it first lived.
func (s *Store) name() string {
	if node := s.node.Load(); node != nil {
		return *node
	}
	return ""
}

// Run says that this node lives, and ends the membership of those that do
// not, until ctx ends. It returns after everything it started; members that
// are left then are taken for those of a dead node.
func (s *Store) Run(ctx context.Context) error {
	signs := make(chan sign, 1)
	var living sync.WaitGroup
	living.Go(func() { s.liveOn(ctx, signs) })
	for round := 0; ; round++ {
		select {
		case latest := <-signs:
			if err := s.keepUp(ctx, latest, round); err != nil {
				s.complain(ctx, err)
			}
		case <-ctx.Done():
			living.Wait()
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_, _ = s.live(ending, s.name(), 0)
			return ctx.Err()
		}
	}
}

// sign is what a sign of life was answered.
type sign struct {
	node string   // the name it was given under
	was  bool     // false if the node had been taken for dead, or was never heard of
	dead []string // the nodes that are
}

// liveOn gives a sign of life every third of a lease, however long the work
// takes that it makes: who is busy with the dead is not dead.
func (s *Store) liveOn(ctx context.Context, signs chan sign) {
	tick := time.NewTicker(s.opts.Lease / 3)
	defer tick.Stop()
	for {
		if latest, err := s.signOn(ctx); err != nil {
			s.complain(ctx, err)
		} else {
			select {
			case <-signs: // nobody came to it
			default:
			}
			signs <- latest
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) signOn(ctx context.Context) (sign, error) {
	if err := s.begin(ctx); err != nil {
		return sign{}, err
	}
	return s.live(ctx, s.name(), s.opts.Lease)
}

func (s *Store) complain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.log.Warn("presence cannot be kept up", "err", err)
	}
}

// keepUp does what a sign of life has shown to be due.
func (s *Store) keepUp(ctx context.Context, latest sign, round int) error {
	switch {
	case !latest.was && latest.node == s.name():
		if err := s.rise(ctx); err != nil {
			return err
		}
	case round%compareEvery == 0:
		if err := s.compare(ctx); err != nil {
			return err
		}
	}
	for _, node := range latest.dead {
		if err := s.bury(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// live says that a node lives for a time.
func (s *Store) live(ctx context.Context, node string, lease time.Duration) (sign, error) {
	reply, err := liveScript.Run(ctx, s.client, []string{s.nodes()}, node, lease.Milliseconds()).Slice()
	if err != nil {
		return sign{}, s.failed(ctx, "sign of life", err)
	}
	if len(reply) == 0 {
		return sign{}, errors.New("presence: an empty reply to a sign of life")
	}
	given := sign{node: node, was: reply[0] == int64(0)}
	for _, v := range reply[1:] {
		if name, ok := v.(string); ok && name != node {
			given.dead = append(given.dead, name)
		}
	}
	return given, nil
}

// rise is what a node does that was taken for dead: it takes another name and
// joins its members again.
func (s *Store) rise(ctx context.Context) error {
	s.life.Lock()
	defer s.life.Unlock()
	node := rand.Text()
	if _, err := s.live(ctx, node, s.opts.Lease); err != nil {
		return err
	}
	s.log.Warn("this node was taken for dead; its members join again")
	s.node.Store(&node)
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
		counts[p] = pipe.HLen(ctx, s.key(p, "node:"+s.name()))
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
	stored, err := s.client.HKeys(ctx, s.key(p, "node:"+s.name())).Result()
	if err != nil {
		return s.failed(ctx, "comparison", err)
	}
	there := make(map[held]bool, len(stored))
	for _, name := range stored {
		client, channel, _ := strings.Cut(name, " ")
		h := held{channel, client}
		there[h] = true
		if _, ok := mine[h]; !ok {
			if _, _, err := s.leave(ctx, channel, client, s.name()); err != nil {
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

// graves is how many partitions of a dead node are dealt with at once.
const graves = 8

// bury ends the membership of a dead node's members and forgets the node.
func (s *Store) bury(ctx context.Context, node string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan int, partitions)
	for _, p := range mathrand.Perm(partitions) { // others are at it too
		todo <- p
	}
	close(todo)
	var work sync.WaitGroup
	for range graves {
		work.Go(func() {
			for p := range todo {
				if err := s.buryIn(ctx, p, node); err != nil {
					cancel(err)
				}
			}
		})
	}
	work.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := s.client.ZRem(ctx, s.nodes(), node).Err(); err != nil {
		return s.failed(ctx, "a dead node", err)
	}
	s.log.Info("a node is gone", "node", node)
	return nil
}

// buryIn is bury in one partition.
func (s *Store) buryIn(ctx context.Context, p int, node string) error {
	holds := s.key(p, "node:"+node)
	for {
		names, _, err := s.client.HScan(ctx, holds, 0, "", 256).Result()
		if err != nil {
			return s.failed(ctx, "members of a dead node", err)
		}
		if len(names) == 0 {
			return nil
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
				if err := s.client.HDel(ctx, holds, names[i]).Err(); err != nil {
					return s.failed(ctx, "members of a dead node", err)
				}
			}
		}
	}
}
