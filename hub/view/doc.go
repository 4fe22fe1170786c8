// Package view keeps the channels that are derived from contexts: the board of
// a store, the queue of waiting conversations, the desk of an agent.
//
//	context:c-42  order/o1 ───────────► board:s1       order/o1 {column: making, …}
//	              conversation/v1 ────► queue:support  conversation/v1 {waiting_since, …}
//	                              ────► desk:alice     conversation/v1 {status, …}, load {assigned: 3, …}
//	                              ────► desk:ben       offer/v1 {offer, owner, …}, load {offered: 1, …}
//
// What stands in a view is a function of what the contexts hold: each event
// only says where to look again. So an event that comes twice changes nothing,
// and a log that was trimmed costs work and nothing else.
//
//   - A ticket stands on a board while its order's fulfilment there is open; the
//     latest done ones stay ([Options].Shelf), to be recalled.
//   - A conversation stands in its queue while it waits, on its owner's desk while
//     an agent has it, or, in short, on its bot's. Its offer stands on the desk, or in the queue, that it is made to.
//   - An entry that moves stands at its new place before it leaves the old one.
//   - Each event of a view names the event it comes from: data.source holds its
//     channel, offset, time and type. That an undone pickup leaves its place on the
//     shelf empty until the next one is the only trace of the way things went.
package view
