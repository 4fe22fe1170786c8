package commerce

import (
	"encoding/json"
	"time"

	"github.com/samepage/samepage/hub"
)

// Config is how a shop does things. The zero value works.
type Config struct {
	Loyalty     Points
	Programme   string        // of the points; defaults to "default"
	Currency    string        // of a cart without lines; defaults to USD
	Preparation time.Duration // what a pickup is promised in; defaults to 10 min
	Hold        time.Duration // how long goods wait for their order; defaults to 15 min
	Freeze      time.Duration // how long a frozen cart stays so; defaults to 15 min
	Lock        time.Duration // how long a cart stays locked after its agent did something with it; defaults to 5 min
	Undo        time.Duration // how long a pickup can be undone; defaults to 60 s
	Abandon     time.Duration // how long a cart may lie before it counts as left behind; defaults to 1 h, below 0: never
	Accept      time.Duration // how long after its promise a store may still begin a pickup; defaults to 24 h, below 0: for ever
	Late        time.Duration // after how long a pickup that no store began is late; defaults to 8 min, below 0: never
	NoShow      time.Duration // how long a ready pickup waits for its customer; defaults to 72 h, below 0: for ever
	Identities  Identities
	CartMerge   string        // what becomes of a sku in both carts of one customer: the larger quantity, max, or sum; defaults to max
	CheckInCode time.Duration // how long a check-in code is good; defaults to 2 min
	CheckIn     time.Duration // how long a till then has the context; defaults to 15 min
}

// Points is what points are given and taken for.
type Points struct {
	Earn  int64 // points per major unit paid otherwise than with points; defaults to 1, below 0: none
	Value int64 // minor units a point is worth; defaults to 10
}

func (c Config) withDefaults() Config {
	orDefault(&c.Loyalty.Earn, 1)
	orDefault(&c.Loyalty.Value, 10)
	orDefault(&c.Programme, "default")
	orDefault(&c.Currency, "USD")
	orDefault(&c.Preparation, 10*time.Minute)
	orDefault(&c.Hold, 15*time.Minute)
	orDefault(&c.Freeze, 15*time.Minute)
	orDefault(&c.Lock, 5*time.Minute)
	orDefault(&c.Undo, time.Minute)
	orDefault(&c.Abandon, time.Hour)
	orDefault(&c.Accept, 24*time.Hour)
	orDefault(&c.Late, 8*time.Minute)
	orDefault(&c.NoShow, 72*time.Hour)
	orDefault(&c.CartMerge, CartMax)
	orDefault(&c.CheckInCode, 2*time.Minute)
	orDefault(&c.CheckIn, 15*time.Minute)
	return c
}

func orDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// shop decides. It holds nothing but its configuration.
type shop struct {
	Config
	directory *directory
}

// Who may call what at all. What a till may do is held to its own store, and a
// customer to their own context, beyond this.
var (
	self     = []hub.Role{hub.RoleCustomer, hub.RoleAgent, hub.RoleSupervisor, hub.RoleService}
	shoppers = []hub.Role{hub.RoleCustomer, hub.RoleAgent, hub.RoleSupervisor, hub.RolePOS, hub.RoleBot}
	buyers   = []hub.Role{hub.RoleCustomer, hub.RoleAgent, hub.RoleSupervisor, hub.RolePOS}
	staff    = []hub.Role{hub.RoleAgent, hub.RoleSupervisor}
	anybody  = []hub.Role{hub.RoleCustomer, hub.RoleAgent, hub.RoleSupervisor, hub.RolePOS, hub.RoleService}
	tills    = []hub.Role{hub.RolePOS}
	arrivals = []hub.Role{hub.RoleCustomer}
	money    = []hub.Role{hub.RolePOS, hub.RoleService}
	counters = []hub.Role{hub.RolePOS, hub.RoleAgent, hub.RoleSupervisor, hub.RoleService}
	backend  = []hub.Role{hub.RoleService}
	nobody   = []hub.Role{} // the hub itself
)

// Model is the shop's commands and what each role sees: the table of contents.
func Model(c Config) hub.Model {
	s := &shop{c.withDefaults(), newDirectory(c.Identities)}
	const (
		context, store, catalog = hub.KindContext, hub.KindStore, hub.KindCatalog

		C, G, V, v = hub.ModeCommutes, hub.ModeGuarded, hub.ModeVersion, hub.ModeOptional
	)
	return hub.Model{
		Sights: sightsOfPeople(sights()),
		Events: eventsOfPeople(events()),
		Docs:   docsOfPeople(docs()),
		Methods: s.guarded(append(s.people(), []hub.Method{
			hub.NewMethod("profile.update", context, v, self, s.updateProfile),
			hub.NewMethod("profile.set_consent", context, v, self, s.setConsent),

			hub.NewMethod("cart.open", context, C, shoppers, s.openCart),
			hub.NewMethod("cart.add_line", context, C, shoppers, s.addLine),
			hub.NewMethod("cart.remove_line", context, C, shoppers, s.removeLine),
			hub.NewMethod("cart.set_quantity", context, v, shoppers, s.setQuantity),
			hub.NewMethod("cart.apply_code", context, v, shoppers, s.applyCode),
			hub.NewMethod("cart.remove_code", context, v, shoppers, s.removeCode),
			hub.NewMethod("cart.freeze", context, V, buyers, s.freezeCart),
			hub.NewMethod("cart.unfreeze", context, V, buyers, s.unfreezeCart),
			hub.NewMethod("cart.lock", context, G, staff, s.lockCart),
			hub.NewMethod("cart.unlock", context, G, staff, s.unlockCart),
			hub.NewMethod("cart.reprice", context, C, nobody, s.repriceCarts),
			hub.NewMethod("cart.abandon", context, G, nobody, s.abandonCart),
			hub.NewMethod("cart.recover", context, G, nobody, s.recoverCart),

			hub.NewMethod("order.place", context, V, buyers, s.placeOrder),
			hub.NewMethod("order.capture", context, G, money, s.captureTender),
			hub.NewMethod("order.add_tender", context, G, money, s.addTender),
			hub.NewMethod("order.void", context, G, money, s.voidTender),
			hub.NewMethod("order.edit", context, V, anybody, s.editOrder),
			hub.NewMethod("order.import", context, C, backend, s.importOrder),
			hub.NewMethod("order.replay_sale", context, C, tills, s.replaySale),
			hub.NewMethod("order.cancel", context, G, anybody, s.cancelOrder),
			hub.NewMethod("order.settle_stock", context, G, nobody, s.settleOrderStock),

			hub.NewMethod("fulfilment.start", context, G, money, s.take(startStep)),
			hub.NewMethod("fulfilment.ready", context, G, tills, s.take(readyStep)),
			hub.NewMethod("fulfilment.recall", context, G, tills, s.take(recallStep)),
			hub.NewMethod("fulfilment.complete", context, G, tills, s.completePickup),
			hub.NewMethod("fulfilment.undo", context, G, tills, s.take(undoStep)),
			hub.NewMethod("fulfilment.reject", context, G, tills, s.rejectFulfilment),
			hub.NewMethod("fulfilment.arrive", context, G, arrivals, s.arrive),
			hub.NewMethod("fulfilment.move", context, G, buyers, s.moveFulfilment),
			hub.NewMethod("fulfilment.expire", context, G, nobody, s.expire),
			hub.NewMethod("fulfilment.mark_late", context, G, nobody, s.markLate),
			hub.NewMethod("fulfilment.pack", context, G, backend, s.carry(packStep)),
			hub.NewMethod("fulfilment.ship", context, G, backend, s.ship),
			hub.NewMethod("fulfilment.deliver", context, G, backend, s.carry(deliverStep)),
			hub.NewMethod("fulfilment.delay", context, G, backend, s.delay),
			hub.NewMethod("fulfilment.lose", context, G, backend, s.carry(loseStep)),

			hub.NewMethod("return.request", context, G, anybody, s.requestReturn),
			hub.NewMethod("return.receive", context, G, counters, s.receiveReturn),
			hub.NewMethod("return.refund", context, G, counters, s.refundReturn),
			hub.NewMethod("return.restock", context, G, counters, s.restock),
			hub.NewMethod("return.write_off", context, G, counters, s.writeOff),

			hub.NewMethod("loyalty.adjust", context, C, backend, s.adjustPoints),

			hub.NewMethod("stock.count", store, V, money, s.countStock),
			hub.NewMethod("stock.adjust", store, C, money, s.adjustStock),
			hub.NewMethod("stock.set_safety", store, v, money, s.setSafety),
			hub.NewMethod("stock.snooze", store, v, money, s.snooze),
			hub.NewMethod("stock.wake", store, G, nobody, s.wake),
			hub.NewMethod("stock.reserve", store, C, backend, s.reserve),
			hub.NewMethod("stock.release", store, G, backend, s.release),
			hub.NewMethod("stock.commit", store, G, backend, s.commitStock),
			hub.NewMethod("stock.shift", store, C, nobody, s.shiftStock),
			hub.NewMethod("stock.settle", store, C, nobody, s.settleReservations),
			hub.NewMethod("store.set_acceptance", store, v, money, s.setAcceptance),
			hub.NewMethod("store.resume", store, G, nobody, s.resumeStore),

			hub.NewMethod("catalog.set", catalog, C, backend, s.setCatalog),
			hub.NewMethod("catalog.remove", catalog, C, backend, s.removeCatalog),
		}...)),
	}
}

// encode makes the arguments of a command to another channel.
func encode(args any) json.RawMessage {
	raw, err := json.Marshal(args)
	if err != nil {
		panic("commerce: arguments of our own cannot be encoded: " + err.Error())
	}
	return raw
}
