package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/samepage/samepage/hub"
	"github.com/samepage/samepage/hub/commerce"
)

// consumer is the name of the price flow's cursors.
const consumer = "prices"

// PricesOptions configure [Prices]. The zero value works.
type PricesOptions struct {
	Logger *slog.Logger // Defaults to discarding.

	Lines     int           // lines of open carts kept in memory, some 300 bytes each. Defaults to 1,000,000.
	Workers   int           // commands run at once, so that their commits share the disk's time. Defaults to 16.
	SaveEvery time.Duration // how often cursors are saved while there is news. Defaults to a second.
}

func (o PricesOptions) withDefaults() PricesOptions {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Lines <= 0 {
		o.Lines = 1_000_000
	}
	if o.Workers <= 0 {
		o.Workers = 16
	}
	if o.SaveEvery <= 0 {
		o.SaveEvery = time.Second
	}
	return o
}

// Prices tells open carts that the catalogue changed: it follows the log and
// sends cart.reprice to every context that holds a sku at another price than
// the catalogue's. What a cart then says is the command's decision; a context
// told for nothing stays as it is.
//
// Carts and catalogue are read side by side, in no order between them. So both
// are compared with what is known of the other: whichever comes later finds
// the difference. At a start everything is compared as it stands, which makes
// up for whatever was missed. Any number of nodes may run it.
type Prices struct {
	engine hub.Engine
	do     func(ctx context.Context, cmd hub.Command) hub.Answer
	opts   PricesOptions
	log    *slog.Logger

	carts  *carts
	prices map[string]commerce.Money
	at     hub.Position // of the catalogue, as loaded

	mu   sync.Mutex  // guards the following field
	news hub.Cursors // of what was handled and is not saved yet
}

// NewPrices makes the flow of an engine and the hub's Do. It starts nothing.
func NewPrices(engine hub.Engine, do func(ctx context.Context, cmd hub.Command) hub.Answer, opts PricesOptions) *Prices {
	opts = opts.withDefaults()
	return &Prices{engine: engine, do: do, opts: opts, log: opts.Logger, news: hub.Cursors{}}
}

// Run follows the log until ctx ends and then returns nil. A store that is
// away is tried again; only a closed one is an error. One Run at a time.
func (f *Prices) Run(ctx context.Context) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := f.follow(ctx, func() { wait = 20 * time.Millisecond })
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, hub.ErrClosed):
			return err
		}
		f.log.Warn("prices wait for the store", "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *Prices) follow(ctx context.Context, going func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cursors, err := f.engine.Cursors(ctx, consumer)
	if err != nil {
		return fmt.Errorf("read the cursors of prices: %w", err)
	}
	if err := f.load(ctx); err != nil {
		return err
	}
	var saving sync.WaitGroup
	saving.Go(func() { f.saveNow(ctx) })
	defer saving.Wait()
	defer cancel()

	seen := map[int]bool{}
	for record, err := range f.engine.Log(ctx, cursors) {
		switch {
		case errors.Is(err, hub.ErrTrimmed) && !seen[record.Partition]:
			// What is lost is older than what was loaded.
		case err != nil:
			return err
		default:
			going()
			if err := f.handle(ctx, record.Message); err != nil {
				return err
			}
		}
		seen[record.Partition] = true
		if record.Seq > 0 {
			f.mu.Lock()
			f.news[record.Partition] = record.Seq
			f.mu.Unlock()
		}
	}
	return errors.New("the log ended")
}

// load reads catalogue and carts as they stand, and tells what differs.
func (f *Prices) load(ctx context.Context) error {
	f.carts, f.prices = newCarts(f.opts.Lines), map[string]commerce.Money{}
	catalog, err := f.engine.Load(ctx, commerce.DefaultCatalog)
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	f.at = catalog.Position
	for key, e := range catalog.Entries {
		f.price(hub.Change{Key: key, Doc: e.Doc})
	}
	return f.walk(ctx, f.carts, nil)
}

// walk looks at all contexts there are, tells those that differ, and keeps
// what their carts hold in index (nil: nowhere).
func (f *Prices) walk(ctx context.Context, index *carts, because *hub.Message) error {
	var names []hub.Channel // first: the store is not kept busy while we work
	for name, err := range f.engine.Channels(ctx, hub.KindContext+":") {
		if err != nil {
			return fmt.Errorf("list contexts: %w", err)
		}
		names = append(names, name)
	}
	var tell []telling
	for _, name := range names {
		snapshot, err := f.engine.Load(ctx, name)
		if errors.Is(err, hub.ErrCorrupt) {
			f.log.Error("carts of a context are told no prices", "err", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
		one := newCarts(f.opts.Lines)
		one.load(snapshot)
		if index != nil && len(one.contexts) > 0 {
			index.load(snapshot)
		}
		if skus := one.differs(name, f.prices); len(skus) > 0 {
			id := fmt.Sprintf("prices/%s/%s/%s", f.at, name, snapshot.Position)
			if because != nil {
				id = fmt.Sprintf("prices/%s/%s", because.Position, name)
			}
			tell = append(tell, telling{id, name, skus})
		}
	}
	return f.tell(ctx, tell)
}

// handle looks at one event: what it changes, and whom that concerns.
func (f *Prices) handle(ctx context.Context, m *hub.Message) error {
	switch {
	case m == nil || m.Event == nil:
		return nil
	case m.Channel.Kind() == hub.KindContext:
		if !f.carts.apply(m) {
			return nil
		}
		if skus := f.carts.differs(m.Channel, f.prices); len(skus) > 0 {
			return f.tell(ctx, []telling{{fmt.Sprintf("prices/%s@%s", m.Channel, m.Position), m.Channel, skus}})
		}
		return nil
	case m.Channel != commerce.DefaultCatalog, m.Position.Epoch == f.at.Epoch && m.Position.Offset <= f.at.Offset:
		return nil
	}
	holders := map[hub.Channel]bool{}
	for _, change := range m.Event.Changes {
		if sku := f.price(change); sku != "" {
			for name := range f.carts.holders[sku] {
				holders[name] = true
			}
		}
	}
	if f.carts.partial {
		return f.walk(ctx, nil, m)
	}
	var tell []telling
	for _, name := range slices.Sorted(maps.Keys(holders)) {
		if skus := f.carts.differs(name, f.prices); len(skus) > 0 {
			tell = append(tell, telling{fmt.Sprintf("prices/%s/%s", m.Position, name), name, skus})
		}
	}
	return f.tell(ctx, tell)
}

// price notes what the catalogue says of a sku, and returns the sku.
func (f *Prices) price(change hub.Change) string {
	sku, ok := strings.CutPrefix(change.Key, "sku/")
	if !ok {
		return ""
	}
	var item struct {
		Price commerce.Money `json:"price"`
	}
	raw := change.Doc
	if raw == nil {
		item.Price, raw = f.prices[sku], change.Patch
	}
	if change.Gone || json.Unmarshal(raw, &item) != nil {
		delete(f.prices, sku)
		return sku
	}
	f.prices[sku] = item.Price
	return sku
}

// saveNow saves cursors every now and then, and at the end. Lost ones cost a second look.
func (f *Prices) saveNow(ctx context.Context) {
	ticker := time.NewTicker(f.opts.SaveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.save(ctx)
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer stop()
			f.save(last)
			return
		}
	}
}

func (f *Prices) save(ctx context.Context) {
	f.mu.Lock()
	news := f.news
	f.news = hub.Cursors{}
	f.mu.Unlock()
	if len(news) == 0 {
		return
	}
	if err := f.engine.SaveCursors(ctx, consumer, news); err != nil {
		f.mu.Lock()
		maps.Copy(news, f.news)
		f.news = news
		f.mu.Unlock()
		if ctx.Err() == nil {
			f.log.Warn("cursors of prices not saved", "err", err)
		}
	}
}
