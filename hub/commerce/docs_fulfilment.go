package commerce

import "github.com/samepage/samepage/hub"

// fulfilmentDocs are the rows of what happens to an order in the store and on its way.
func fulfilmentDocs() []methodDoc {
	const (
		customer, till, service = hub.RoleCustomer, hub.RolePOS, hub.RoleService

		invalid = hub.CodeInvalidTransition
	)
	by := func(role hub.Role, args string) hub.Example { return hub.Example{As: role, On: mara, Args: args} }
	refused := func(role hub.Role, args, code string) hub.Example {
		return hub.Example{As: role, On: mara, Args: args, Problem: code}
	}
	return []methodDoc{
		{
			Name:     "fulfilment.arrive",
			Summary:  "The customer is at the store; details say where. The first arrival counts.",
			Problems: []string{invalid},
			Examples: examples{by(customer, `{"order":"o1","details":"blue car, bay 2"}`)},
		},
		{
			Name: "fulfilment.start",
			Summary: "The store begins to make or pick: proposed becomes reserved, and the goods leave the shelf. Tills start what their store does, services start shipments. " +
				"A till that was offline says of this and its other steps when it took them, with occurred_at and sent_at by its own clock: one that was taken already changes nothing, " +
				"and what was called off only after it had begun is made, and marked with attention.",
			Problems: []string{invalid},
			Examples: examples{
				by(till, `{"order":"o1"}`), refused(till, `{"order":"o1"}`, invalid),
				by(service, `{"order":"o2"}`), by(till, `{"order":"eats:A-79"}`), by(service, `{"order":"eats:A-80"}`),
			},
		},
		{
			Name:     "fulfilment.ready",
			Summary:  "A pickup is ready: reserved becomes prepared.",
			Problems: []string{invalid},
			Examples: examples{by(till, `{"order":"o1"}`), by(till, `{"order":"eats:A-79"}`)},
		},
		{
			Name:     "fulfilment.recall",
			Summary:  "It is not ready after all: prepared becomes reserved.",
			Problems: []string{invalid},
			Examples: examples{by(till, `{"order":"eats:A-79"}`)},
		},
		{
			Name:     "fulfilment.complete",
			Summary:  "The customer has collected it: prepared becomes completed. A collect code that is given must be the order's.",
			Problems: []string{CodeWrongCollectCode, invalid},
			Examples: examples{by(till, `{"order":"o1"}`), refused(till, `{"order":"o1"}`, invalid)},
		},
		{
			Name:     "fulfilment.undo",
			Summary:  "It was not collected: completed becomes prepared again, within 60 seconds and by who completed it.",
			Problems: []string{invalid},
			Examples: examples{by(till, `{"order":"o1"}`)},
		},
		{
			Name:     "fulfilment.reject",
			Summary:  "The store does not do it: proposed becomes canceled, or failed where the reason is out_of_stock; then the level says that none are free.",
			Problems: []string{invalid},
			Examples: examples{by(till, `{"order":"eats:A-77","reason":"out_of_stock"}`), refused(till, `{"order":"o1","reason":"closing"}`, invalid)},
		},
		{
			Name:     "fulfilment.move",
			Summary:  "Another store does it, while nobody has begun. The new store holds the goods first; nothing is charged again.",
			Problems: []string{CodeStoreNotAccepting, CodeOutOfStock, invalid},
			Examples: examples{
				by(customer, `{"order":"eats:A-78","store":"s2"}`),
				refused(customer, `{"order":"eats:A-78","store":"s3"}`, CodeStoreNotAccepting),
			},
		},
		{
			Name:     "fulfilment.expire",
			Summary:  "Fails a pickup that no store began in time, or that nobody came for. The hub's own timer.",
			Examples: examples{by(hub.RoleSystem, `{"order":"o1","fulfilment":"f1"}`)},
		},
		{
			Name:     "fulfilment.mark_late",
			Summary:  "Marks a pickup that no store has begun for a while. The hub's own timer.",
			Examples: examples{by(hub.RoleSystem, `{"order":"o1","fulfilment":"f1"}`)},
		},
		{
			Name:     "fulfilment.pack",
			Summary:  "A shipment is packed: reserved becomes prepared.",
			Problems: []string{invalid},
			Examples: examples{by(service, `{"order":"o2"}`), by(service, `{"order":"eats:A-80"}`)},
		},
		{
			Name:     "fulfilment.ship",
			Summary:  "A shipment is with its carrier: prepared becomes shipped.",
			Problems: []string{invalid},
			Examples: examples{
				by(service, `{"order":"o2","carrier":"Nordpost","tracking":"NP123456"}`),
				by(service, `{"order":"eats:A-80","carrier":"Nordpost"}`),
			},
		},
		{
			Name:     "fulfilment.delay",
			Summary:  "A shipment takes until then; its state stays, the promised time moves.",
			Problems: []string{invalid},
			Examples: examples{by(service, `{"order":"o2","until":"2026-11-26T12:00:00Z"}`)},
		},
		{
			Name:     "fulfilment.deliver",
			Summary:  "A shipment reached the customer: shipped becomes delivered.",
			Problems: []string{invalid},
			Examples: examples{by(service, `{"order":"o2"}`)},
		},
		{
			Name:     "fulfilment.lose",
			Summary:  "A shipment will not arrive: shipped becomes failed.",
			Problems: []string{invalid},
			Examples: examples{by(service, `{"order":"eats:A-80"}`)},
		},
	}
}

// returnDocs are the rows of what comes back: of s-9, two croissants.
func returnDocs() []methodDoc {
	const customer, till, invalid = hub.RoleCustomer, hub.RolePOS, hub.CodeInvalidTransition
	return []methodDoc{
		{
			Name:     "return.request",
			Summary:  "Goods that were handed over are to come back.",
			Problems: []string{CodeReturnExceeded},
			Examples: examples{
				{As: customer, On: mara, Args: `{"order":"s-9","return":"b1","lines":{"l1":1},"reason":"stale"}`},
				{As: customer, On: mara, Args: `{"order":"s-9","return":"b2","lines":{"l1":7}}`, Problem: CodeReturnExceeded},
			},
		},
		{
			Name:     "return.receive",
			Summary:  "The goods are at a store, any store. A return that was not requested names its lines; one that was need not be named where the lines are the same.",
			Problems: []string{CodeReturnExceeded, invalid},
			Examples: examples{
				{As: till, On: mara, Args: `{"order":"s-9","return":"b1","store":"s1"}`},
				{As: till, On: mara, Args: `{"order":"s-9","return":"b2","store":"s1","lines":{"l1":1},"reason":"dropped"}`},
			},
		},
		{
			Name:     "return.refund",
			Summary:  "Gives money and points back, in proportion to what each tender still holds and never more than that. Without an amount it is what the lines cost; without a return it is what is owed of a cancelled or edited order.",
			Problems: []string{CodeAmountExceedsPaid, invalid, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				{As: till, On: mara, Args: `{"order":"s-9","return":"b1"}`},
				{As: till, On: mara, Args: `{"order":"s-9","return":"b2","amount":{"amount":99900,"currency":"USD"}}`, Problem: CodeAmountExceedsPaid},
			},
		},
		{
			Name:     "return.restock",
			Summary:  "Puts returned goods on the shelf of the store that has them.",
			Problems: []string{invalid},
			Examples: examples{{As: till, On: mara, Args: `{"order":"s-9","return":"b1"}`}},
		},
		{
			Name:     "return.write_off",
			Summary:  "Returned goods cannot be sold again.",
			Problems: []string{invalid},
			Examples: examples{
				{As: till, On: mara, Args: `{"order":"s-9","return":"b2"}`},
				{As: till, On: mara, Args: `{"order":"s-9","return":"b1"}`, Problem: invalid},
			},
		},
	}
}
