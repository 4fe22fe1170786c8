// Package sessions is who is connected and as whom: sockets that speak the
// client protocol of Centrifugo, in JSON and Protobuf, and the rights, tokens
// and commands that every door shares.
//
//	socket ──► reader ──► hand ──► take ──► lane ──► subscribe, publish, rpc …   a lane for each
//	            waits      reads    decodes └─► lane                              channel, in order
//	                                            │ reply
//	socket ◄── whoever put it ◄── outbox ◄──────┘
//	           there, a writer,    ▲ bounded in bytes; over it: 3008
//	           or a goroutine of   │
//	           its own if the      │ the same bytes for all of a group
//	           socket is full     topic ─┬─ group: customer, JSON
//	                                ▲    └─ group: agent, Protobuf
//	                                │
//	                             hub.Feed                            one for each channel and node
//
// What holds:
//
//   - What an audience may not see is taken away before anything is encoded:
//     snapshots, events, history and answers alike. Access is denied unless the
//     table of [Access] allows it.
//   - A subscription begins with a snapshot, or with exactly what was missed, and
//     goes on without a gap. If the thread is lost it is ended with 2500, and
//     clients come back; none is left believing to be up to date.
//   - Who is blocked is kept out at every node, and was let go within a second
//     ([Blocks]). The blocks are a channel like any other, stored, followed and
//     repaired as such; their model lives here, beside the doors that heed it,
//     because it is about tokens and devices, not about the shop.
//   - A subscription whose right hangs on what the channel holds ends with it:
//     behind an event that may have ended it nothing is sent until that is known.
//   - The slow pay for themselves: a full outbox ends its own session. Whoever asks for
//     too much is refused until they ask for less.
//   - A frame that breaks the protocol ends its session with the code that the
//     table in codes.go names, and no other.
//   - An idle session costs one goroutine with a stack of 2 KiB and less than 6 KiB
//     of heap (held by a test). Hands, which
//     read and handle frames, and writers, which fan out, are few and shared. Pings,
//     timeouts and expiry of all sessions hang on one wheel.
//
// 15,000 idle sockets with a recoverable subscription each, as last seen (samepage bench idle -n
// 15000, and /metrics before and meanwhile): 11.0 KB of RSS a socket, which are
//
//	heap, live          5.8 KB   session, subscription, topic, feed, the two connections' structs
//	heap, gaps in it    2.2 KB   where what connecting left behind lay between
//	stack               2.1 KB   of the one goroutine
//	runtime             0.9 KB   spans, poll descriptors, the collector's own
package sessions
