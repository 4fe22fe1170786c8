package commerce

// TopicPrice is what carts ask about (see [hub.Tx.Ask]): what codes are worth.
// The question is a [PriceQuestion], the answer a [PriceAnswer].
const TopicPrice = "price"

// PriceQuestion asks what codes are worth on a cart. Prices and totals are the
// catalogue's, before anything is taken off.
type PriceQuestion struct {
	Context string    `json:"context"`
	Cart    PriceCart `json:"cart"`
	Codes   []string  `json:"codes"`
}

// PriceCart is the cart that is asked about.
type PriceCart struct {
	ID       string               `json:"id"`
	Store    string               `json:"store,omitempty"`
	Currency string               `json:"currency"`
	Lines    map[string]PriceLine `json:"lines"`
	Total    Money                `json:"total"`
}

// PriceLine is a line of it.
type PriceLine struct {
	Sku      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Price    Money  `json:"price"` // of one
	Total    Money  `json:"total"`
}

// PriceAnswer says what each code is worth. A code that is not named is not known.
type PriceAnswer struct {
	Codes map[string]CodeAnswer `json:"codes"`
}

// CodeAnswer is what a code takes off: of lines, of the whole cart (split over
// the lines by what is left of them), or nothing, and then why. More than a
// line or the cart comes to is not taken off.
type CodeAnswer struct {
	Lines  map[string]Money `json:"lines"`
	Cart   Money            `json:"cart"`
	Reason string           `json:"reason"`
}
