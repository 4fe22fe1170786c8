// Package e2e tests the whole program from outside: its binary, its ports and
// its file, by the client protocol and by HTTP.
//
// # Storms, as last seen
//
// Two or three nodes on one Redis, on two busy cores under the race detector: two writers and a
// device for each of three contexts at every node. Every row ended with nothing accepted missing
// (but where the store itself lost it), nothing twice, every device with exactly what the store
// held, and the queue with exactly the conversations that wait. Staleness is counted from the
// answer to the device.
//
//	no fault, three nodes                   354 commands   lost 0   duplicated 0   longest staleness 0.1 s
//	kill -9 of a node, 2 x                  505            0        0              0.3 s
//	SIGSTOP of a node for 7 s, 2 x          1833           0        0              7.1 s, at the node that stood still
//	kill -9 of Redis, AOF                   100            0        0              0.1 s
//	SIGSTOP of Redis for 10 s               254            0        0              0.1 s
//	CLIENT KILL TYPE pubsub, 8 x            270            0        0              0.8 s
//	delays, cuts, half-closes, deaf, 3 x    433            0        0              0.6 s
//	Sentinel failover, replica lagging      367            116 (not replicated)  0  0.1 s, all in a new epoch
//	4 slots of a cluster moved              308            0        0              0.1 s
//	FLUSHALL                                505            140 (flushed)         0  0.1 s, all in a new epoch
//
// Of 60 timers that came due while one node stood still and another was killed, each fired once,
// the latest 4.2 s after its time. Members of a node that was killed were gone after 5.3 s. The
// history of one context, 225 commands and reads at three nodes of which one was killed, is
// linearizable.
package e2e
