package care

import "github.com/samepage/samepage/hub"

var (
	talkers = []hub.Role{hub.RoleCustomer, hub.RoleAgent, hub.RoleSupervisor, hub.RoleBot}
	staff   = []hub.Role{hub.RoleAgent, hub.RoleSupervisor}
)

// Model is the table of what can be done with conversations, and who sees what
// of them.
func Model(c Config) hub.Model {
	r := rules{c.withDefaults()}
	const in = hub.KindContext
	return hub.Model{
		Methods: []hub.Method{
			hub.NewMethod("conversation.open", in, hub.ModeCommutes, talkers, somebody(r.open)),
			hub.NewMethod("conversation.post", in, hub.ModeCommutes, talkers, somebody(on(r.post))),
			hub.NewMethod("conversation.note", in, hub.ModeCommutes, staff, somebody(on(r.note))),
			hub.NewMethod("conversation.mark_read", in, hub.ModeCommutes, talkers, somebody(on(r.markRead))),
			hub.NewQuery("conversation.messages", in, hub.ModeCommutes, append(talkers[:4:4], hub.RoleService), r.messages),
			hub.Finding(hub.NewMethod("conversation.receive", in, hub.ModeCommutes, []hub.Role{hub.RoleService}, r.receive), r.findWriter),
			hub.NewMethod("conversation.delivery", in, hub.ModeCommutes, []hub.Role{hub.RoleService}, r.delivery),

			hub.NewMethod("conversation.escalate", in, hub.ModeGuarded, []hub.Role{hub.RoleBot, hub.RoleCustomer, hub.RoleService}, on(r.escalate)),
			hub.NewMethod("conversation.claim", in, hub.ModeGuarded, staff, somebody(on(r.claim))),
			hub.NewMethod("conversation.take_over", in, hub.ModeGuarded, []hub.Role{hub.RoleSupervisor}, somebody(on(r.takeOver))),
			hub.NewMethod("conversation.release", in, hub.ModeGuarded, staff, on(r.release)),
			hub.NewMethod("conversation.return_to_bot", in, hub.ModeGuarded, staff, on(r.returnToBot)),

			hub.NewMethod("conversation.transfer", in, hub.ModeGuarded, staff, somebody(on(r.transfer))),
			hub.NewMethod("conversation.accept", in, hub.ModeGuarded, staff, somebody(on(r.accept))),
			hub.NewMethod("conversation.decline", in, hub.ModeGuarded, staff, somebody(on(r.decline))),
			hub.NewMethod("conversation.complete_transfer", in, hub.ModeGuarded, staff, on(r.completeTransfer)),
			hub.NewMethod("conversation.expire_offer", in, hub.ModeGuarded, nil, on(r.expireOffer)), // the offer's timer

			hub.NewMethod("conversation.snooze", in, hub.ModeGuarded, staff, on(r.snooze)),
			hub.NewMethod("conversation.wake", in, hub.ModeGuarded, nil, on(r.wake)), // the snooze's timer
			hub.NewMethod("conversation.resolve", in, hub.ModeGuarded, append(staff[:2:2], hub.RoleBot), on(r.resolve)),
			hub.NewMethod("conversation.wrap_up", in, hub.ModeGuarded, staff, on(r.wrapUp)), // by its timer too
			hub.NewMethod("conversation.reopen", in, hub.ModeGuarded, staff, on(r.reopen)),
		},
		Sights: sights(),
		Events: eventSights(),
		Docs:   docs(),
	}
}

// somebody keeps the hub itself, which may call everything, from what takes a
// person or a bot: to speak, to read, to own.
func somebody[A any](decide func(*hub.Tx, A) *hub.Problem) func(*hub.Tx, A) *hub.Problem {
	return func(tx *hub.Tx, args A) *hub.Problem {
		if by := tx.By(); by.Role == hub.RoleSystem || by.ID == "" {
			return hub.Problemf(hub.CodeForbidden, "%s takes somebody", tx.Command.Method)
		}
		return decide(tx, args)
	}
}

// on reads the conversation that a command is about before it is decided.
func on[A interface{ about() string }](decide func(*hub.Tx, *Conversation, A) *hub.Problem) func(*hub.Tx, A) *hub.Problem {
	return func(tx *hub.Tx, args A) *hub.Problem {
		var c Conversation
		if !tx.Get(Key(args.about()), &c) {
			return noConversation(args.about())
		}
		return decide(tx, &c, args)
	}
}

// rules are the decisions, under one shop's configuration.
type rules struct{ Config }

// mayHandle is nil for the owner and for supervisors.
func (r rules) mayHandle(tx *hub.Tx, c *Conversation) *hub.Problem {
	switch by := tx.By(); {
	case by.Role == hub.RoleSystem, c.ownedBy(by):
		return nil
	case by.Role == hub.RoleSupervisor && c.Owner.Type != OwnerNone:
		return r.inScope(tx, c.Queue)
	}
	return notOwner(tx, c)
}

// inScope is nil for staff whose queues these are. An agent whose token names
// none works the default queue, such a supervisor all.
func (r rules) inScope(tx *hub.Tx, queue string) *hub.Problem {
	who := tx.Command.Caller
	switch who.Role {
	case hub.RoleAgent, hub.RoleSupervisor:
	default:
		return nil
	}
	if len(who.Queues) == 0 && (who.Role == hub.RoleSupervisor || queue == r.DefaultQueue) {
		return nil
	}
	for _, q := range who.Queues {
		if q == queue || q == "*" {
			return nil
		}
	}
	return hub.Problemf(hub.CodeForbidden, "the queue %s is not yours", queue)
}

// knownQueue is the queue that is meant, or a fault.
func (r rules) knownQueue(name, otherwise string) (string, *hub.Problem) {
	if name == "" {
		return otherwise, nil
	}
	if !r.knows(name) {
		return "", hub.Faults{"/queue": "no queue is called so"}.Problem()
	}
	return name, nil
}
