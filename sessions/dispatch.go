package sessions

import (
	"runtime/debug"
	"slices"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// lane is the commands of one session on one channel, which run one after the
// other. Lanes of a session run beside each other, so that a command that
// waits for the disk holds up nothing else.
type lane struct {
	on    hub.Channel
	one   [1]task // room for a queue of one
	queue []task
}

// task is a command and, of an rpc, its body: read once, for its lane and its work.
type task struct {
	*protocol.Command
	body    CommandRequest
	problem *hub.Problem
}

func newTask(c *protocol.Command) task {
	t := task{Command: c}
	if c.Rpc != nil {
		t.body, t.problem = decodeCommand(c.Rpc.Data)
	}
	return t
}

// take decodes a frame and starts what it asks for. It tells the reader when
// to go on, and then does a share of the work itself.
func (s *session) take(frame []byte) {
	commands, err := decodeFrame(s.encoding, frame, s.server.opts.MaxFrameCommands)
	if err != nil {
		s.server.log.Debug("a frame is malformed", "client", s.id, "err", err)
		s.close(CloseBadRequest)
		s.taken <- false
		return
	}
	if len(commands) > 1 {
		s.out.hold() // who connects and subscribes in one frame is answered in one
		defer s.out.release()
	}
	var own *lane // the last one, to be run here
	for _, c := range commands {
		if code := s.admit(c); code != nil {
			s.close(code)
			s.taken <- false
			return
		}
		switch {
		case isEmpty(c): // a pong beside other commands
		case c.Connect != nil:
			if !s.connect(c) { // clients send their subscriptions along: not a breach of the protocol
				s.taken <- true
				return
			}
		default:
			l, ok := s.enter(newTask(c))
			if !ok {
				s.taken <- false
				return
			}
			if l == nil {
				continue
			}
			if own != nil {
				s.runBeside(own)
			}
			own = l
		}
	}
	s.taken <- true
	if own != nil {
		if commands[len(commands)-1].Subscribe == nil {
			s.out.release() // it may take its time
		}
		s.run(own)
	}
}

// runBeside works a lane off in a goroutine of its own.
func (s *session) runBeside(l *lane) { s.work.Go(func() { s.run(l) }) }

// admit holds a command against the order of the protocol.
func (s *session) admit(c *protocol.Command) *Code {
	id := s.identity.Load()
	s.mu.Lock()
	refused := s.refused
	s.mu.Unlock()
	switch {
	case refused: // after an error reply to connect there is nothing left to say
		return CloseBadRequest
	case id == nil && c.Connect == nil:
		return CloseBadRequest
	case id != nil && c.Connect != nil:
		return CloseBadRequest
	case isEmpty(c):
		return s.pong()
	case c.Id == 0 && c.Send == nil:
		return CloseBadRequest
	case c.Connect == nil && c.Subscribe == nil && c.Unsubscribe == nil && c.Publish == nil && c.Presence == nil &&
		c.PresenceStats == nil && c.History == nil && c.Send == nil && c.Rpc == nil && c.Refresh == nil && c.SubRefresh == nil:
		return CloseBadRequest
	}
	return nil
}

// isEmpty is a pong, as the schema has it: neither id nor request.
func isEmpty(c *protocol.Command) bool {
	return c.Id == 0 && c.Connect == nil && c.Subscribe == nil && c.Unsubscribe == nil && c.Publish == nil &&
		c.Presence == nil && c.PresenceStats == nil && c.History == nil && c.Ping == nil && c.Send == nil &&
		c.Rpc == nil && c.Refresh == nil && c.SubRefresh == nil
}

// channel names the lane of a command; "" for those of the session itself.
func (c task) channel() hub.Channel {
	switch {
	case c.Subscribe != nil:
		return hub.Channel(c.Subscribe.Channel)
	case c.Unsubscribe != nil:
		return hub.Channel(c.Unsubscribe.Channel)
	case c.Publish != nil:
		return hub.Channel(c.Publish.Channel)
	case c.Presence != nil:
		return hub.Channel(c.Presence.Channel)
	case c.PresenceStats != nil:
		return hub.Channel(c.PresenceStats.Channel)
	case c.History != nil:
		return hub.Channel(c.History.Channel)
	case c.SubRefresh != nil:
		return hub.Channel(c.SubRefresh.Channel)
	case c.Rpc != nil:
		return c.body.On
	}
	return ""
}

// counts reports whether a command is one of those of which there may be too
// many: those that only keep or give up what the session has are not.
func (c task) counts() bool {
	return c.Unsubscribe == nil && c.Refresh == nil && c.SubRefresh == nil && c.Send == nil
}

// enter queues a command in its lane and returns the lane if it is to be run.
// It waits while too many commands are under way; false if the session ended.
func (s *session) enter(c task) (*lane, bool) {
	on := c.channel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.inFlight >= s.server.opts.MaxInFlight && !s.ended {
		s.waiting = true
		s.room.Wait()
	}
	s.waiting = false
	if s.ended {
		return nil, false
	}
	s.inFlight++
	for _, l := range s.lanes { // there are few
		if l.on == on {
			l.queue = append(l.queue, c)
			return nil, true
		}
	}
	l := &lane{on: on, one: [1]task{c}}
	l.queue = l.one[:]
	s.lanes = append(s.lanes, l)
	return l, true
}

// run works a lane off.
func (s *session) run(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(l.queue) > 0 {
		c := l.queue[0]
		l.queue[0], l.queue = task{}, l.queue[1:]
		if !s.ended {
			s.mu.Unlock()
			s.perform(c)
			s.mu.Lock()
		}
		s.inFlight--
		s.room.Signal()
	}
	i := slices.Index(s.lanes, l)
	s.lanes = slices.Delete(s.lanes, i, i+1)
	if cap(s.lanes) > 4 && len(s.lanes) == 0 {
		s.lanes = nil
	}
}

// perform answers one command.
func (s *session) perform(c task) {
	if s.out.closing() {
		return
	}
	defer func() { // a fault that one session's words bring to light is not everybody's end
		if fault := recover(); fault != nil {
			s.server.log.Error("a command made the hub panic", "client", s.id, "fault", fault, "stack", string(debug.Stack()))
			s.close(CloseServerError)
		}
	}()
	reply := &protocol.Reply{Id: c.Id}
	var code *Code
	switch {
	case c.counts() && s.limited():
		code = ErrorTooManyRequests
	case c.Subscribe != nil:
		code = s.subscribe(c.Id, c.Subscribe) // replies itself: before anything the channel has to say
		reply = nil
	case c.Unsubscribe != nil:
		reply.Unsubscribe, code = s.unsubscribe(c.Unsubscribe)
	case c.Publish != nil:
		reply.Publish, code = s.publish(c.Publish)
	case c.Presence != nil:
		reply.Presence, code = s.presence(c.Presence)
	case c.PresenceStats != nil:
		reply.PresenceStats, code = s.presenceStats(c.PresenceStats)
	case c.History != nil:
		reply.History, code = s.history(c.History)
	case c.Rpc != nil:
		s.out.hold() // what comes of it goes out with the answer
		defer s.out.release()
		reply.Rpc, code = s.rpc(c)
	case c.Refresh != nil:
		reply.Refresh, code = s.refresh(c.Refresh)
	case c.SubRefresh != nil:
		reply.SubRefresh, code = s.subRefresh(c.SubRefresh)
	default:
		return // send: taken, without an answer
	}
	switch {
	case code == nil && reply != nil:
		s.push(reply)
	case code != nil && code.Closes():
		s.close(code)
	case code != nil:
		s.push(&protocol.Reply{Id: c.Id, Error: code.reply()})
	}
}
