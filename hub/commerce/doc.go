// Package commerce is the shop: profile, points, carts, orders and how they
// reach the customer, stock and catalogue. It is a pure model of package hub;
// [Model] is its table of contents.
//
//	catalog:default         context:c-42                    store:s1
//	  sku/latte  ──price──►   cart/ca1 ──order.place──┐       store         accepting?
//	                          order/o1 ◄──────────────┤◄──►   sku/latte     on_hand, reserved
//	                          loyalty  ◄── points ────┤       reservation/… goods that are promised
//	                          activity ◄── timeline ──┘
//	                          profile
//
// One order.place is one event: cart, order, points and timeline change
// together, and only after the store has reserved the goods.
//
//	cart        active ◄─► frozen ─► ordered
//	order       open ─► confirmed ─► complete          any open one ─► cancelled
//	pickup      proposed ─► reserved ◄─► prepared ◄─► completed      ─► canceled, failed
//	tender      pending ─► authorised ─► captured ─► refunded        ─► voided, declined
//	reservation held ─► kept ─► the goods leave the shelf            ─► released, expired
//
// An order's state and its payment's follow from its tenders and fulfilments.
// Points are an integer ledger of their own: the balance is what it sums to.
package commerce
