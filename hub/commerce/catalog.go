package commerce

import (
	"github.com/samepage/samepage/hub"
)

// DefaultCatalog is the catalogue that carts take their prices from.
const DefaultCatalog hub.Channel = "catalog:default"

// Item is "sku/SKU" of a catalogue: what is sold, and at what price.
type Item struct {
	Name     string              `json:"name"`
	Price    Money               `json:"price"`
	TaxClass string              `json:"tax_class,omitempty"`
	Options  map[string][]string `json:"options,omitempty"` // "size": ["small", "large"]
}

// CatalogSet is catalog.set: items are added or replaced, the others stay.
type CatalogSet struct {
	Items map[string]Item `json:"items"`
}

// Check implements [hub.Checker].
func (a *CatalogSet) Check(f hub.Faults) {
	if len(a.Items) == 0 || len(a.Items) > MaxItems {
		f.Add("/items", "must hold 1 to %d items", MaxItems)
		return
	}
	for sku, item := range a.Items {
		at := pointer("/items", sku)
		requireID(f, at, sku)
		if item.Name == "" {
			f.Add(at+"/name", "required")
		}
		checkText(f, at+"/name", item.Name, 200)
		checkText(f, at+"/tax_class", item.TaxClass, 64)
		item.Price.check(f, at+"/price", 0)
		if len(item.Options) > 50 {
			f.Add(at+"/options", "must be at most 50")
		}
		for name, values := range item.Options {
			checkText(f, pointer(at+"/options", name), name, 64)
			if len(values) == 0 || len(values) > 50 {
				f.Add(pointer(at+"/options", name), "must hold 1 to 50 values")
			}
			for _, v := range values {
				checkText(f, pointer(at+"/options", name), v, 200)
			}
		}
	}
}

// CatalogRemove is catalog.remove.
type CatalogRemove struct {
	Skus []string `json:"skus"`
}

// Check implements [hub.Checker].
func (a *CatalogRemove) Check(f hub.Faults) {
	if len(a.Skus) == 0 || len(a.Skus) > MaxItems {
		f.Add("/skus", "must name 1 to %d skus", MaxItems)
	}
	for _, sku := range a.Skus {
		requireID(f, "/skus", sku)
	}
}

func (s *shop) setCatalog(tx *hub.Tx, args CatalogSet) *hub.Problem {
	for sku, item := range args.Items {
		tx.Put("sku/"+sku, item)
	}
	tx.Emit("catalog.items_set", nil)
	return nil
}

func (s *shop) removeCatalog(tx *hub.Tx, args CatalogRemove) *hub.Problem {
	for _, sku := range args.Skus {
		tx.Delete("sku/" + sku)
	}
	tx.Emit("catalog.items_removed", nil)
	return nil
}

// item is what the catalogue says of a sku now.
func (s *shop) item(tx *hub.Tx, sku string) (Item, *hub.Problem) {
	var item Item
	if !tx.Ref(DefaultCatalog, "sku/"+sku, &item) {
		return item, hub.Problemf(CodeUnknownSku, "the catalogue has no %s", sku).With(map[string]any{"sku": sku})
	}
	return item, nil
}
