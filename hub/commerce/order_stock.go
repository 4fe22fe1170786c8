package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// reserveFirst has the store hold goods before the decision stands, and names
// the reservation. A store that counts none of them is not asked.
func (s *shop) reserveFirst(tx *hub.Tx, store string, r StockReserve) string {
	if !s.counted(tx, store, r.Lines) {
		return ""
	}
	on := storeChannel(store)
	r.Reservation, r.Owner = tx.NewID("reservation"), tx.Command.On
	tx.First(
		hub.Command{Method: "stock.reserve", On: on, Caller: system(), Args: encode(r)},
		hub.Command{Method: "stock.release", On: on, Caller: system(), Args: encode(StockRelease{r.Reservation})},
	)
	return r.Reservation
}

// settleStock tells the stores of an order to look at its reservations.
func (s *shop) settleStock(tx *hub.Tx, order string, o *Order) {
	claims := map[string]map[string]Claim{}
	for id, f := range o.Fulfilments {
		if f.Reservation == "" {
			continue
		}
		if claims[f.Store] == nil {
			claims[f.Store] = map[string]Claim{}
		}
		claims[f.Store][f.Reservation] = Claim{Lines: o.skus(f), Owner: tx.Command.On, Order: order, Fulfilment: id}
	}
	for _, store := range slices.Sorted(maps.Keys(claims)) {
		tx.Then(hub.Command{Method: "stock.settle", On: storeChannel(store), Caller: system(), Args: encode(StockSettle{claims[store]})})
	}
}

// releaseThen lets the goods of a frozen cart go.
func (s *shop) releaseThen(tx *hub.Tx, cart *Cart) {
	tx.Then(hub.Command{
		Method: "stock.release", On: storeChannel(cart.Store), Caller: system(), Args: encode(StockRelease{cart.Reservation}),
	})
}

// OrderSettleStock has the stores of an order look at its reservations again.
type OrderSettleStock struct {
	Order string `json:"order"`
}

func (s *shop) settleOrderStock(tx *hub.Tx, args OrderSettleStock) *hub.Problem {
	o := &Order{}
	if tx.Get("order/"+args.Order, o) {
		s.settleStock(tx, args.Order, o)
	}
	return nil
}
