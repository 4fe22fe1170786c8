package commerce

import (
	"maps"
	"slices"

	"github.com/samepage/samepage/hub"
)

// StockShift is stock.shift: goods came (above zero) or went, whatever the
// count says. Untracked skus are left alone.
type StockShift struct {
	Lines map[string]int64 `json:"lines"`
}

func (s *shop) shiftStock(tx *hub.Tx, args StockShift) *hub.Problem {
	short := map[string]int64{}
	for _, sku := range slices.Sorted(maps.Keys(args.Lines)) {
		var l Level
		if !tx.Get("sku/"+sku, &l) || l.OnHand == nil {
			continue
		}
		n := *l.OnHand + args.Lines[sku]
		l.OnHand = &n
		l.derive()
		if args.Lines[sku] < 0 && *l.Available < 0 {
			short[sku] = min(-*l.Available, -args.Lines[sku])
		}
		s.putLevel(tx, sku, l)
	}
	if len(short) > 0 {
		tx.Emit("stock.shortfall", map[string]any{"short": short})
		return nil
	}
	tx.Emit("stock.shifted", nil)
	return nil
}

// shiftFirst has a store book goods that came (sign 1) or went (-1) before the
// decision stands. First, not then: goods that were counted twice can be
// counted again, lost ones are looked for. A store that counts none of them is
// not asked.
func (s *shop) shiftFirst(tx *hub.Tx, store string, skus map[string]int64, sign int64) {
	if !s.counted(tx, store, skus) {
		return
	}
	shift := func(sign int64) hub.Command {
		lines := map[string]int64{}
		for sku, n := range skus {
			lines[sku] = sign * n
		}
		return hub.Command{Method: "stock.shift", On: storeChannel(store), Caller: system(), Args: encode(StockShift{lines})}
	}
	tx.First(shift(sign), shift(-sign))
}
