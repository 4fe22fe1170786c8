package commerce

import (
	"time"

	"github.com/samepage/samepage/hub"
)

type (
	methodDoc = hub.MethodDoc
	examples  = []hub.Example
)

// Where the examples take place.
const (
	mara     hub.Channel = "context:c-42"
	storeOne hub.Channel = "store:s1"
)

// storeDocs are the rows of catalogue, stock, stores, points and profiles.
func storeDocs() []methodDoc {
	const (
		customer, till, service, system = hub.RoleCustomer, hub.RolePOS, hub.RoleService, hub.RoleSystem
	)
	return []methodDoc{
		{
			Name:    "catalog.set",
			Summary: "Adds items to the catalogue or replaces them; the others stay. Carts take their names and prices from here. A changed price marks the open carts that hold the sku.",
			Examples: examples{
				{As: service, On: DefaultCatalog, Args: `{"items":{
					"latte":{"name":"Latte","price":{"amount":450,"currency":"USD"},"options":{"milk":["whole","oat"]}},
					"croissant":{"name":"Croissant","price":{"amount":320,"currency":"USD"}},
					"tea":{"name":"Tea","price":{"amount":300,"currency":"USD"},"tax_class":"reduced"}}}`},
				{As: service, On: DefaultCatalog, Args: `{"items":{"mug":{"name":"","price":{"amount":-1,"currency":"US$"}}}}`, Problem: hub.CodeInvalid},
			},
		},
		{
			Name:    "catalog.remove",
			Summary: "Takes items out of the catalogue. Carts that hold them keep them, and cannot be ordered with them.",
			Examples: examples{
				{As: service, On: DefaultCatalog, Args: `{"skus":["tea"]}`},
			},
		},
		{
			Name:    "store.set_acceptance",
			Summary: "Says whether the store takes orders from afar: accepting, slow (promised that many minutes later, 10 if it does not say) or paused. With until it accepts again by itself.",
			Examples: examples{
				{As: till, On: storeOne, Args: `{"acceptance":"slow","minutes":15,"until":"2026-11-23T09:30:00Z"}`},
				{As: till, On: "store:s2", Args: `{"acceptance":"paused"}`, Problem: hub.CodeForbidden},
				{As: service, On: "store:s3", Args: `{"acceptance":"paused"}`},
			},
		},
		{
			Name:    "store.resume",
			Summary: "Ends a slow time or a pause whose time is over.",
			Examples: examples{
				{As: system, On: storeOne, Args: `{}`, Later: time.Hour},
			},
		},
		{
			Name:    "stock.count",
			Summary: "So many are on the shelf, those that are reserved included. A sku that was counted before needs if_version: the counter must have seen what stands there.",
			Examples: examples{
				{As: till, On: storeOne, Args: `{"sku":"latte","on_hand":20}`},
				{As: till, On: storeOne, Args: `{"sku":"latte","on_hand":19}`, Problem: hub.CodeInvalid},
				{As: till, On: storeOne, Args: `{"sku":"latte","on_hand":19}`, Versions: []string{"sku/latte"}},
				{As: till, On: storeOne, Args: `{"sku":"croissant","on_hand":12}`},
			},
		},
		{
			Name:    "stock.adjust",
			Summary: "So many came, or, below zero, went. Needs a sku that was counted.",
			Examples: examples{
				{As: till, On: storeOne, Args: `{"sku":"latte","delta":24,"reason":"delivery"}`},
				{As: till, On: storeOne, Args: `{"sku":"tea","delta":-1,"reason":"broken"}`, Problem: hub.CodeNotFound},
			},
		},
		{
			Name:     "stock.set_safety",
			Summary:  "So many are never promised, because counts are never exact.",
			Examples: examples{{As: till, On: storeOne, Args: `{"sku":"latte","safety":2}`}},
		},
		{
			Name:     "stock.snooze",
			Summary:  "Not to be had until then, whatever the count says. Without until it is to be had again at once.",
			Examples: examples{{As: till, On: storeOne, Args: `{"sku":"croissant","until":"2026-11-23T10:30:00Z"}`}},
		},
		{
			Name:     "stock.wake",
			Summary:  "Ends a snooze whose time is over.",
			Examples: examples{{As: system, On: storeOne, Args: `{"sku":"croissant"}`, Later: time.Hour}},
		},
		{
			Name:     "stock.reserve",
			Summary:  "Holds goods for a while, 15 minutes if it does not say. A reservation that is there already stays as it is; a sku that nobody counted takes nothing. Placing an order does this by itself.",
			Problems: []string{CodeOutOfStock},
			Examples: examples{
				{As: service, On: storeOne, Args: `{"reservation":"r1","lines":{"latte":2},"owner":"context:c-42"}`},
				{As: service, On: storeOne, Args: `{"reservation":"r2","lines":{"latte":1},"owner":"context:c-42","minutes":30}`},
				{As: service, On: storeOne, Args: `{"reservation":"r3","lines":{"latte":1},"owner":"context:c-42","minutes":5}`},
				{As: service, On: storeOne, Args: `{"reservation":"r4","lines":{"latte":500},"owner":"context:c-42"}`, Problem: CodeOutOfStock},
			},
		},
		{
			Name:     "stock.release",
			Summary:  "Ends a reservation; its goods are free again. One that is not there is released already.",
			Examples: examples{{As: service, On: storeOne, Args: `{"reservation":"r1"}`}},
		},
		{
			Name:    "stock.commit",
			Summary: "Ends a reservation; its goods have left the shelf.",
			Examples: examples{
				{As: service, On: storeOne, Args: `{"reservation":"r2"}`},
				{As: service, On: storeOne, Args: `{"reservation":"r2"}`, Problem: hub.CodeNotFound},
			},
		},
		{
			Name:     "stock.settle",
			Summary:  "Does with reservations what their orders say: keeps, commits, frees or expires them. May run at any time and any number of times.",
			Examples: examples{{As: system, On: storeOne, Args: `{"reservations":{"r3":{"lines":{"latte":1},"owner":"context:c-42"}}}`, Later: 10 * time.Minute}},
		},
		{
			Name:     "stock.shift",
			Summary:  "Goods came or went with a sale or a return, whatever the count says. Where more went than were there, the event is stock.shortfall.",
			Examples: examples{{As: system, On: storeOne, Args: `{"lines":{"latte":-1}}`}},
		},
		{
			Name:     "loyalty.adjust",
			Summary:  "Gives points, or, below zero, takes them. What orders earn and cost is booked by the orders themselves.",
			Problems: []string{CodeInsufficientPoints},
			Examples: examples{
				{As: service, On: mara, Args: `{"points":180,"reason":"welcome"}`},
				{As: service, On: mara, Args: `{"points":-500,"reason":"correction"}`, Problem: CodeInsufficientPoints},
			},
		},
		{
			Name:     "profile.update",
			Summary:  "Changes the traits that are named; an empty one is removed, the others stay.",
			Problems: []string{hub.CodeGone},
			Examples: examples{{As: customer, On: mara, Args: `{"traits":{"first_name":"Mara","email":"mara@example.com"},"preferred_store":"s1"}`}},
		},
		{
			Name:     "profile.set_consent",
			Summary:  "What the customer says to one kind of use: grant, deny or revoke.",
			Problems: []string{hub.CodeGone},
			Examples: examples{
				{As: customer, On: mara, Args: `{"type":"analytics","status":"grant"}`},
				{As: customer, On: mara, Args: `{"type":"analytics","status":"maybe"}`, Problem: hub.CodeInvalid},
			},
		},
	}
}
