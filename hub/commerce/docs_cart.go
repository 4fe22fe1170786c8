package commerce

import "github.com/samepage/samepage/hub"

// cartDocs are the rows of carts.
func cartDocs() []methodDoc {
	const customer, agent, system = hub.RoleCustomer, hub.RoleAgent, hub.RoleSystem
	first := []string{"cart/ca1"}
	return []methodDoc{
		{
			Name:     "cart.open",
			Summary:  "Opens a cart. With a store its lines are held against that store's stock. A cart that is open stays as it is.",
			Problems: []string{CodeCartNotActive, CodeCartLocked},
			Examples: examples{{As: customer, On: mara, Args: `{"cart":"ca1","store":"s1"}`}},
		},
		{
			Name:     "cart.add_line",
			Summary:  "Puts a sku into a cart, at the catalogue's price; a sku that is there gets more. Without cart it is the context's only active one, opened if there is none; an id that is not there yet opens that cart.",
			Problems: []string{CodeUnknownSku, CodeOutOfStock, CodeCartNotActive, CodeCartLocked, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				{As: customer, On: mara, Args: `{"cart":"ca1","line":"l1","sku":"latte","quantity":2}`},
				{As: customer, On: mara, Args: `{"cart":"ca1","sku":"latte","quantity":500}`, Problem: CodeOutOfStock},
				{As: customer, On: mara, Args: `{"cart":"ca1","sku":"unicorn","quantity":1}`, Problem: CodeUnknownSku},
				{As: customer, On: mara, Args: `{"cart":"ca1","sku":"latte","quantity":"two","price":1}`, Problem: hub.CodeInvalid},
				{As: customer, On: mara, Args: `{"cart":"ca1","line":"l2","sku":"croissant","quantity":1}`},
				{As: customer, On: mara, Args: `{"cart":"ca2","line":"l1","sku":"croissant","quantity":2}`},
			},
		},
		{
			Name:     "cart.set_quantity",
			Summary:  "Sets how many of a line there are; 0 removes it.",
			Problems: []string{CodeUnknownSku, CodeOutOfStock, CodeCartNotActive, CodeCartLocked, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				{As: customer, On: mara, Args: `{"cart":"ca1","line":"l1","quantity":3}`, Versions: first},
				{As: customer, On: mara, Args: `{"cart":"ca1","line":"l9","quantity":3}`, Problem: hub.CodeNotFound},
			},
		},
		{
			Name:     "cart.remove_line",
			Summary:  "Takes a line out. One that is not there is removed already.",
			Problems: []string{CodeCartNotActive, CodeCartLocked},
			Examples: examples{{As: customer, On: mara, Args: `{"cart":"ca1","line":"l2"}`}},
		},
		{
			Name:     "cart.apply_code",
			Summary:  "Puts a code on a cart. The backend decides what it is worth, through the price hook, and is asked again whenever the cart changes.",
			Problems: []string{CodeCodeNotApplicable, CodeCartNotActive, CodeCartLocked, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				{As: customer, On: mara, Args: `{"cart":"ca1","code":"WELCOME"}`},
				{As: customer, On: mara, Args: `{"cart":"ca1","code":"FREE"}`, Problem: CodeCodeNotApplicable},
			},
		},
		{
			Name:     "cart.remove_code",
			Summary:  "Takes a code off a cart. One that is not there is off already.",
			Problems: []string{CodeCartNotActive, CodeCartLocked, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{{As: customer, On: mara, Args: `{"cart":"ca1","code":"WELCOME"}`}},
		},
		{
			Name:     "cart.lock",
			Summary:  "Keeps a cart for the agent who works on it; nobody else may change it. It ends with cart.unlock, and five minutes after the agent last did something with the cart; sent again it begins anew.",
			Problems: []string{CodeCartNotActive, CodeCartLocked},
			Examples: examples{
				{As: agent, On: mara, Args: `{"cart":"ca1"}`},
				{As: agent, Who: "ben", On: mara, Args: `{"cart":"ca1"}`, Problem: CodeCartLocked},
			},
		},
		{
			Name:     "cart.unlock",
			Summary:  "Ends one's own lock; a supervisor ends anybody's, and the hub's own timer that of an agent who is gone.",
			Problems: []string{CodeCartNotActive, CodeCartLocked},
			Examples: examples{{As: agent, On: mara, Args: `{"cart":"ca1"}`}},
		},
		{
			Name:     "cart.reprice",
			Summary:  "Puts the catalogue's new prices on the active carts that hold these skus, and marks the lines.",
			Problems: []string{CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{{As: system, On: mara, Args: `{"skus":["latte"]}`}},
		},
		{
			Name:     "cart.abandon",
			Summary:  "Tells that nobody touched the customer's carts for the idle window, if the customer may be reminded. The hub's own timer.",
			Examples: examples{{As: system, On: mara, Args: `{"cart":"ca1"}`}},
		},
		{
			Name:     "cart.recover",
			Summary:  "Tells that a cart that was left behind was ordered after all. The hub's own timer.",
			Examples: examples{{As: system, On: mara, Args: `{"cart":"ca1"}`}},
		},
		{
			Name:     "cart.freeze",
			Summary:  "Holds the prices, and at the cart's store the goods, for 15 minutes while the customer pays. Expected_total accepts prices that have changed.",
			Problems: []string{CodePriceChanged, CodeOutOfStock, CodeUnknownSku, CodeCartEmpty, CodeCartNotActive, CodeCartLocked, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				{As: customer, On: mara, Args: `{"cart":"ca1"}`, Versions: first},
				{As: customer, On: mara, Args: `{"cart":"ca2","expected_total":{"amount":600,"currency":"USD"}}`, Versions: []string{"cart/ca2"}, Problem: CodePriceChanged},
			},
		},
		{
			Name:     "cart.unfreeze",
			Summary:  "Makes a frozen cart active again, at the catalogue's prices; goods that were held are free. After 15 minutes it happens by itself.",
			Problems: []string{hub.CodeInvalidTransition, CodeCartNotActive, CodeCartLocked, CodeCurrencyMismatch, CodeMoneyOverflow},
			Examples: examples{
				{As: customer, On: mara, Args: `{"cart":"ca1"}`, Versions: first},
				{As: customer, On: mara, Args: `{"cart":"ca1"}`, Versions: first, Problem: hub.CodeInvalidTransition},
			},
		},
	}
}
