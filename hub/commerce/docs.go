package commerce

import (
	"slices"

	"github.com/samepage/samepage/hub"
)

// docs describes the shop's commands, entries, events and problems. The rows
// of methods are one story: their examples run in this order, on one store.
func docs() hub.Docs {
	const context, store, catalog = hub.KindContext, hub.KindStore, hub.KindCatalog
	return hub.Docs{
		Methods: slices.Concat(storeDocs(), cartDocs(), orderDocs(), fulfilmentDocs(), returnDocs()),
		Entries: []hub.EntryDoc{
			hub.EntryOf[Profile](context, "profile", "profile", "Who the customer is."),
			hub.EntryOf[Loyalty](context, "loyalty", "loyalty", "The customer's points: an integer ledger, never money."),
			hub.EntryOf[Cart](context, "cart", "cart/ID", "A cart. Its total is always the sum of its lines."),
			hub.EntryOf[Order](context, "order", "order/ID", "An order with what pays it, how it reaches the customer and what came back. Order_state, payment_state, paid and due follow from tenders and fulfilments."),
			hub.EntryOf[Activity](context, "activity", "activity", "The latest items of the customer's timeline."),
			hub.EntryOf[Store](store, "store", "store", "Whether the store takes orders. A store that nobody configured does."),
			hub.EntryOf[Level](store, "sku", "sku/SKU", "The stock of one sku. One that nobody counted is untracked and never out of stock."),
			hub.EntryOf[Reservation](store, "reservation", "reservation/ID", "Goods on the shelf that are promised to a cart or an order."),
			hub.EntryOf[Shortfall](store, "shortfall", "shortfall/SKU", "More is promised than is on the shelf. It stands until the count is right again, and names the promise to look after first."),
			hub.EntryOf[Item](catalog, "sku", "sku/SKU", "What is sold, and at what price."),
		},
		Events:   eventDocs(),
		Problems: problemDocs(),
	}
}

func problemDocs() []hub.ProblemDoc {
	return []hub.ProblemDoc{
		{Code: CodeUnknownSku, Summary: "The catalogue has no such sku. Details: sku."},
		{Code: CodeCartNotActive, Summary: "The cart is frozen, ordered or merged. Details: cart, state, and order or merged_into where there is one."},
		{Code: CodeCartLocked, Summary: "An agent works on the cart. Details: by, at."},
		{Code: CodeCartEmpty, Summary: "There is nothing in the cart to order."},
		{Code: CodeOutOfStock, Summary: "The store has too few that are not promised yet. Details: sku, available, store, and for staff reserved_for: the order that has them."},
		{Code: CodePriceChanged, Summary: "The total is not what was expected. Details: old, new, and lines with the old and new price of each that changed."},
		{Code: CodeInsufficientPoints, Summary: "The customer has too few points. Details: balance, held, points."},
		{Code: CodeInsufficientTenders, Summary: "The tenders do not cover the total. Details: total, tendered, missing."},
		{Code: CodeStoreNotAccepting, Summary: "The store takes no orders now. Details: store, and until where it is known."},
		{Code: CodeAmountExceedsDue, Summary: "A tender is more than is still due. Details: tender, due, amount."},
		{Code: CodeAmountExceedsPaid, Summary: "More would be given back than was paid. Details: paid, amount."},
		{Code: CodeTooLateToCancel, Summary: "The order is too far along to be called off. Details: state, at."},
		{Code: CodeWrongCollectCode, Summary: "The code is not this order's."},
		{Code: CodeReturnExceeded, Summary: "More would come back than was handed over. Details: line, left."},
		{Code: CodeCodeNotApplicable, Summary: "The code cannot be used on this cart. Details: code, reason."},
		{Code: CodeMoneyOverflow, Summary: "The amount is larger than can be counted."},
		{Code: CodeCurrencyMismatch, Summary: "Amounts of two currencies cannot be put together. Details: currencies."},
	}
}

func eventDocs() []hub.EventDoc {
	return []hub.EventDoc{
		{Type: "profile.updated", Summary: "Traits or the preferred store changed."},
		{Type: "profile.consent_set", Summary: "The customer consented to something, or no longer does."},
		{Type: "cart.opened", Summary: "A cart was opened."},
		{Type: "cart.line_added", Summary: "Something was put into a cart. The first line opens a cart that is not there yet."},
		{Type: "cart.quantity_set", Summary: "A line's quantity changed."},
		{Type: "cart.line_removed", Summary: "A line was taken out."},
		{Type: "cart.price_changed", Summary: "The catalogue changed the price of something in an open cart."},
		{Type: "cart.problem_raised", Summary: "Something in an open cart is no longer sold."},
		{Type: "cart.abandoned", Summary: "Nobody touched the customer's carts for the idle window. Told once for each window, and only of who consented to marketing."},
		{Type: "cart.recovered", Summary: "A cart that was left behind was ordered after all."},
		{Type: "fulfilment.expired", Summary: "No store began a pickup in time. An order that was not paid is called off with it."},
		{Type: "fulfilment.marked_late", Summary: "The store was asked for a pickup a while ago and has not begun."},
		{Type: "fulfilment.not_collected", Summary: "A pickup was ready and nobody came for it. The goods stay off the shelf until staff takes them back."},
		{Type: "cart.code_applied", Summary: "A code was put on a cart, and what it takes off is known."},
		{Type: "cart.code_removed", Summary: "A code was taken off a cart."},
		{Type: "cart.locked", Summary: "An agent works on the cart; nobody else may change it."},
		{Type: "cart.unlocked", Summary: "The agent is done with the cart."},
		{Type: "cart.frozen", Summary: "Prices, and at the cart's store the goods, are held while the customer pays."},
		{Type: "cart.unfrozen", Summary: "The cart can be changed again, at the catalogue's prices; goods that were held are free."},
		{Type: "order.placed", Summary: "A cart became an order, and the store holds its goods."},
		{Type: "order.imported", Summary: "An order that a marketplace took was recorded."},
		{Type: "order.sale_replayed", Summary: "A sale that a till made offline was recorded."},
		{Type: "order.edited", Summary: "Lines of an order changed before the store began."},
		{Type: "order.tender_added", Summary: "One more means of payment was added."},
		{Type: "order.tender_captured", Summary: "The money of a tender has come."},
		{Type: "order.tender_voided", Summary: "A tender that was not captured will not be."},
		{Type: "order.tender_declined", Summary: "A tender was refused by who should have paid it."},
		{Type: "order.cancelled", Summary: "An order was called off; points and stock go back."},
		{Type: "fulfilment.started", Summary: "The store began to make or pick its part of the order."},
		{Type: "fulfilment.ready", Summary: "A pickup is ready to be collected."},
		{Type: "fulfilment.recalled", Summary: "What was said to be ready is not."},
		{Type: "fulfilment.completed", Summary: "The customer has collected a pickup."},
		{Type: "fulfilment.undone", Summary: "A pickup was not collected after all."},
		{Type: "fulfilment.rejected", Summary: "The store does not do its part."},
		{Type: "fulfilment.moved", Summary: "Another store does it."},
		{Type: "fulfilment.arrived", Summary: "The customer is at the store."},
		{Type: "fulfilment.packed", Summary: "A shipment is packed."},
		{Type: "fulfilment.shipped", Summary: "A shipment was given to its carrier."},
		{Type: "fulfilment.delayed", Summary: "A shipment or its making takes longer; the promised time moved."},
		{Type: "fulfilment.delivered", Summary: "A shipment reached the customer."},
		{Type: "fulfilment.lost", Summary: "A shipment will not arrive."},
		{Type: "return.requested", Summary: "Goods are to come back."},
		{Type: "return.received", Summary: "Goods that come back are at a store."},
		{Type: "return.refunded", Summary: "Money and points were given back."},
		{Type: "return.restocked", Summary: "Returned goods are on the shelf again."},
		{Type: "return.written_off", Summary: "Returned goods cannot be sold again."},
		{Type: "loyalty.adjusted", Summary: "Points were given or taken by hand. Points that an order earns or pays with are part of the order's events."},
		{Type: "stock.counted", Summary: "Somebody counted what is on the shelf."},
		{Type: "stock.adjusted", Summary: "Goods came or went."},
		{Type: "stock.safety_set", Summary: "How many are never promised was changed."},
		{Type: "stock.snoozed", Summary: "Something is not to be had for a while, or is to be had again."},
		{Type: "stock.woken", Summary: "A snooze is over."},
		{Type: "stock.reserved", Summary: "Goods are held for a cart or an order."},
		{Type: "stock.reservation_kept", Summary: "The order of a reservation is there: it no longer expires."},
		{Type: "stock.released", Summary: "Goods that were held are free again."},
		{Type: "stock.reservation_expired", Summary: "Goods were held for an order that did not come; they are free again."},
		{Type: "stock.committed", Summary: "Goods that were held have left the shelf."},
		{Type: "stock.shifted", Summary: "Goods came or went with a sale or a return."},
		{Type: "stock.shortfall", Summary: "More was sold than is there: somebody has to look."},
		{Type: "store.acceptance_set", Summary: "The store takes orders, takes them more slowly, or takes none."},
		{Type: "catalog.items_set", Summary: "Items were added or replaced."},
		{Type: "catalog.items_removed", Summary: "Items are no longer sold."},
	}
}
