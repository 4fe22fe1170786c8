package commerce

import "github.com/samepage/samepage/hub"

// orderDocs are the rows of orders. O1 is a pickup, o2 a shipment, A-… came
// from a marketplace, s-9 is a sale that a till made offline.
func orderDocs() []methodDoc {
	const (
		customer, till, service, system = hub.RoleCustomer, hub.RolePOS, hub.RoleService, hub.RoleSystem

		sold = `"lines":{"l1":{"sku":"croissant","quantity":1,"price":{"amount":300,"currency":"USD"}}}`
	)
	importedTo := func(on hub.Channel, id, fulfilment string) hub.Example {
		return hub.Example{As: service, On: on, Args: `{"marketplace":"eats","external_id":"` + id + `",` + sold + `,"fulfilment":` + fulfilment + `}`}
	}
	imported := func(id, fulfilment string) hub.Example { return importedTo(mara, id, fulfilment) }
	return []methodDoc{
		{
			Name: "order.place",
			Summary: "Makes an order of a cart. The store holds the goods first; then cart, order, points and timeline change in one step. " +
				"A customer's card tender is pending until a service captures it, a till's tenders are captured as told, points are taken at once. Paid makes the order confirmed and accrues points, once. " +
				"If_version names the cart: the buyer decided on what the screen showed. Staff with the goods in hand may force what the count says is not there.",
			Problems: []string{
				CodePriceChanged, CodeOutOfStock, CodeUnknownSku, CodeStoreNotAccepting, CodeInsufficientPoints, CodeInsufficientTenders,
				CodeAmountExceedsDue, CodeCartEmpty, CodeCartNotActive, CodeCartLocked, CodeCurrencyMismatch, CodeMoneyOverflow,
			},
			Examples: examples{
				{As: customer, On: mara, Versions: []string{"cart/ca1"}, Args: `{"cart":"ca1","order":"o1","expected_total":{"amount":1350,"currency":"USD"},
					"fulfilment":{"type":"pickup","store":"s1","name":"Mara"},
					"tenders":{"t1":{"type":"points","points":25},"t2":{"type":"card","amount":{"amount":1100,"currency":"USD"}}}}`},
				{As: customer, On: mara, Versions: []string{"cart/ca2"}, Args: `{"cart":"ca2","order":"o2","expected_total":{"amount":640,"currency":"USD"},
					"fulfilment":{"type":"shipment","store":"s1","address":{"street":"1 Harbour Road","city":"Bergen"}},
					"tenders":{"t1":{"type":"card","amount":{"amount":600,"currency":"USD"}}}}`, Problem: CodeInsufficientTenders},
				{As: customer, On: mara, Versions: []string{"cart/ca2"}, Args: `{"cart":"ca2","order":"o2","expected_total":{"amount":640,"currency":"USD"},
					"fulfilment":{"type":"shipment","store":"s1","address":{"street":"1 Harbour Road","city":"Bergen"}},
					"tenders":{"t1":{"type":"card","amount":{"amount":640,"currency":"USD"}}}}`},
			},
		},
		{
			Name:     "order.capture",
			Summary:  "The money of a pending or authorised tender has come.",
			Problems: []string{hub.CodeInvalidTransition},
			Examples: examples{
				{As: service, On: mara, Args: `{"order":"o1","tender":"t2","reference":"pay_8f2"}`},
				{As: service, On: mara, Args: `{"order":"o1","tender":"t2"}`, Problem: hub.CodeInvalidTransition},
			},
		},
		{
			Name:     "order.void",
			Summary:  "A tender that was not captured will not be; with declined, because who should have paid it refused. A card that a till took offline counts as captured and may be declined after all: what it paid is due again, and what it earned is taken back.",
			Problems: []string{hub.CodeInvalidTransition},
			Examples: examples{{As: service, On: mara, Args: `{"order":"o2","tender":"t1","declined":true}`}},
		},
		{
			Name:     "order.edit",
			Summary:  "Changes lines of an order that its store has not begun: a quantity, 0 to take a line out, or a new line by its sku. A line that is there keeps its price.",
			Problems: []string{hub.CodeInvalidTransition, CodeUnknownSku, CodeOutOfStock, CodeCartEmpty, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{{As: customer, On: mara, Args: `{"order":"o1","lines":{"l1":{"quantity":4}}}`, Versions: []string{"order/o1"}}},
		},
		{
			Name:     "order.add_tender",
			Summary:  "One more means to pay what is due. It is captured unless status says pending or authorised; cash may be more than is due and gives change.",
			Problems: []string{CodeAmountExceedsDue, CodeInsufficientPoints, hub.CodeInvalidTransition, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				{As: till, On: mara, Args: `{"order":"o1","tender":"t3","type":"cash","amount":{"amount":500,"currency":"USD"}}`},
				{As: service, On: mara, Args: `{"order":"o2","tender":"t2","type":"card","amount":{"amount":9900,"currency":"USD"}}`, Problem: CodeAmountExceedsDue},
				{As: service, On: mara, Args: `{"order":"o2","tender":"t2","type":"card","amount":{"amount":640,"currency":"USD"},"last4":"4242"}`},
			},
		},
		{
			Name:     "order.import",
			Summary:  "Records an order that a marketplace took, whether or not the goods are there, and once in the hub, however often it is sent and on whichever context: its id is MARKETPLACE:EXTERNAL_ID. Sent again it changes nothing, and where another context has the order, the answer's on names that one. Without tenders the marketplace paid the total.",
			Problems: []string{CodeAmountExceedsDue, CodeInsufficientPoints, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				imported("A-77", `{"type":"pickup","store":"s1","name":"Mara"}`),
				importedTo("context:c-77", "A-77", `{"type":"pickup","store":"s1","name":"Mara"}`),
				imported("A-78", `{"type":"pickup","store":"s1"}`),
				imported("A-79", `{"type":"pickup","store":"s1"}`),
				imported("A-80", `{"type":"shipment","store":"s1","address":{"city":"Bergen"}}`),
				imported("A-81", `{"type":"pickup","store":"s1"}`),
			},
		},
		{
			Name:     "order.replay_sale",
			Summary:  "Records a sale that a till made while it was offline. The goods are gone and the money is there, so it is accepted: prices are the receipt's, and where the stock does not suffice the store books a shortfall. Points and gift cards are not taken offline. Occurred_at and sent_at are the till's clock, which may be wrong: when it was follows from how long ago that is. A sale to nobody known goes on a context that the till makes up.",
			Problems: []string{CodeAmountExceedsDue, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{{As: till, On: mara, Args: `{"order":"s-9","number":"R-1017","occurred_at":"2026-11-23T10:40:00Z","sent_at":"2026-11-23T10:55:00Z",
				"lines":{"l1":{"sku":"croissant","quantity":2,"price":{"amount":320,"currency":"USD"}}},
				"tenders":{"t1":{"type":"cash","amount":{"amount":640,"currency":"USD"}}}}`}},
		},
		{
			Name:     "order.settle_stock",
			Summary:  "Has the stores of an order look at its reservations again, in case the word that told them was lost.",
			Examples: examples{{As: system, On: mara, Args: `{"order":"o1"}`}},
		},
		{
			Name:     "order.cancel",
			Summary:  "Calls an order off: customers while no store has begun, staff, with a reason, while nothing was handed over. Points go back, pending tenders are voided, stock is free; captured money is owed until it is refunded.",
			Problems: []string{CodeTooLateToCancel, hub.CodeInvalidTransition},
			Examples: examples{
				{As: customer, On: mara, Args: `{"order":"eats:A-81"}`},
				{As: customer, On: mara, Args: `{"order":"eats:A-81"}`, Problem: hub.CodeInvalidTransition},
				{As: customer, On: mara, Args: `{"order":"s-9"}`, Problem: CodeTooLateToCancel},
			},
		},
	}
}
