// Package flow holds what the hub does by itself.
//
//	engine.Due ──claimed under a lease──► Timers ──command──► hub.Do ──► engine.ClearTimer
//	      ▲                                                     │
//	      └──────── the lease ends: no answer, or not now ──────┘
//
// A timer is a command that a commit left for later. Any node may run it: the
// lease keeps others away meanwhile, and the command's id, made of the timer
// itself, lets it have one effect even if it runs twice.
//
//	engine.Log ──catalog: a price──► Prices ──cart.reprice──► every open cart that holds the sku
//	           ──context: a cart───►
//
// Prices reads catalogue and carts side by side and compares each with what it
// knows of the other, so no order between them is needed, and nothing is kept
// that cannot be read again.
package flow
