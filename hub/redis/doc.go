// Package redis keeps channels in Redis, so that any number of nodes are one
// hub: on one server, on the master that Sentinels name, or on a cluster.
//
//	Commit ──► queue of the partition's master ──► commit.lua   one script, one round trip, one slot
//	             (callers who find nothing under way    │
//	              carry their own, others share         │
//	              a round trip)                         ├─ id, compare-and-set, entries, log, records, timers
//	                                                    └─ PUBLISH, SPUBLISH on a cluster: the whole event
//	Listen ◄── lanes ◄── link, one connection a master ◄┘
//	Log    ◄── records, whole, by the same link; records.lua where one is missing, which is looked for once a second
//
// # Keys
//
// A channel is of one of 256 partitions, and all keys of a partition share a
// hash tag, chosen so that partition n of 256 lies in the n-th 64 of the
// 16,384 slots. With the prefix "samepage" and partition 17:
//
//	samepage:layout                        hash    format, partitions, name; written at first start
//
//	samepage:{17.3}:partition              hash    epoch, run, seq, base, since, forgot; "epoch of context:c-42" once that was erased
//	samepage:{17.3}:records                stream  seq-0    t time, m message, c channel, o offset
//	samepage:{17.3}:names                  set     its channels with entries
//	samepage:{17.3}:timers                 hash    channel key -> due method args
//	samepage:{17.3}:due                    zset    channel key by due time, or by the end of its claim
//	samepage:{17.3}:cursors                hash    consumer -> seq
//	samepage:{17.3}:leases                 hash    role -> fence node
//	samepage:{17.3}:forget                 zset    plain channels by when their position may be forgotten
//	samepage:{17.3}:rewrite                stream  what replaces records or a log, within erase.lua alone
//
//	samepage:{17.3}:head:context:c-42      string  offset of the last event, and a time none in the log is older than
//	samepage:{17.3}:entry:context:c-42     hash    key -> version document
//	samepage:{17.3}:log:context:c-42       stream  offset-0 t time, m message
//	samepage:{17.3}:id:context:c-42 ID     string  until offset made nonce hash problem; expires
//	samepage:{17.3}:refused:context:c-42   zset    keys of the remembered commands with a problem, by their end; expires
//	samepage:{17.3}:plain:news             hash    offset, epoch, until, ends, first, mixed, lives, version, version_epoch
//	samepage:{17.3}:log:news               stream  offset-0 t end of its time to live, m message
//	samepage:{17.3}:key:news KEY           string  until offset epoch; expires
//
// partition 0 also has
//
//	samepage:{0}:members:views             zset    the nodes that share a role, by until when
//
// and each master, so that it proves to take writes,
//
//	samepage:{17.3}:check                  string  the node that looked last; expires
//
// and the topics of pub/sub
//
//	samepage:{17.3}:on:context:c-42        "EPOCH OFFSET " and the message, or " 0 " and one that is not stored
//	samepage:{17.3}:records                "SEQ CHANNEL EPOCH OFFSET " and the message: the partition's next record
//	samepage:{17.3}:probe:NODE             from a node to itself
//	samepage:{0}:control                   from node to node
//
// # Epochs
//
// Replication is asynchronous: a replica that becomes master may lack the last
// events, and would give their offsets to others. Who has seen the lost ones
// could not tell the difference. The offsets are therefore bound to the
// master's replication history. Redis names that history (master_replid of
// INFO) and gives it a new name whenever it may have forked: when a replica is
// promoted, and when a master starts, because it may start from a file that is
// behind. Every script that touches a channel compares the name with the one
// that its partition noted, inside the same atomic step; if they differ, the
// partition gets a new epoch. Nobody needs to be told of a failover, no
// connection's idea of its server is trusted, and there is no instant at which
// a new master takes a write in the old epoch.
//
//	master 1, history a        1 2 3 4 5          epoch K   two followers at K:5
//	replica, history a         1 2 3              promoted: history b
//	master 2, history b        1 2 3 4' 5'        epoch M   K:5 is not M:5: both load anew
//
// So a new epoch begins, for all channels of the partitions concerned,
//
//   - after a failover, of Sentinel or of a cluster, also one that lost nothing: which that was
//     cannot be known;
//   - after a restart of a master. With "appendfsync always" nothing is lost and the epoch could
//     go on; with "everysec" the last second or two may be, also if only the server is killed: it
//     puts off even the write while an earlier sync is under way. Redis does not tell a script
//     which it was, so both begin anew. One resynchronisation too many costs a snapshot for each
//     follower, one too few would be a cart that differs for good;
//   - after FLUSHALL, because the epoch itself is gone;
//   - after a slot has moved to another master, whose history is another one.
//
// And for one channel, after its past was erased: its epoch then is the
// partition's, and a word of its own behind it.
//
// Commits carry the epoch that their state was loaded in and conflict in
// another, because versions are offsets: those of a lost past would compare as
// equal. A partition also notes how far its log of records had come (base)
// when an epoch began, so that a consumer that read on in a lost past is
// brought back to where the pasts part.
//
// What was acknowledged and lost is lost; Options.Acks "replica:N" waits for
// replicas, "aof" for the disk (Redis 7.2), before a commit is answered. If
// that does not come in time the outcome is unknown, which the command's next
// send settles: its id is known, or it is not. Followers may see an event
// before it is acknowledged by replicas; if it is lost, so is its epoch.
//
// Acks guard against a master that dies. One that stood still for so long that
// another was made, and goes on before the Sentinels have told it and its
// replicas, may have a late write acknowledged by a replica that is not the new
// master: of replicas, N must be all to rule that out as well.
//
// # Erasing
//
// What one channel's past told is looked for (past.lua), made into husks here
// and forgotten in one step (erase.lua): log and records are written anew
// without it, because a stream's row that is deleted stays in its node until
// the rest of that node goes. The step takes about as long as copying the
// partition's records. Persistence follows: the append only file has what was
// forgotten until it is rewritten next, a dump until the next one, and backups
// of either for as long as they are kept.
//
// # Away
//
// A call waits half a second (Options.Patience) for a server that has just
// gone away, and not at all for one that has been away for longer; queues are
// bounded; nothing is retried that may have been done. Servers are looked for
// at growing, jittered intervals. A link subscribes to everything again, in
// batches; the hub then compares heads and repairs. That a link delivers is
// proved every second by a message to itself, by way of the connections that
// carry commands: if that was published and did not come in, three times (once
// after the server was away, which may be another one by then), the link is
// opened anew.
//
// # As last seen
//
// Our own queue of calls against the driver's auto-pipelining, a small script from many callers
// (BenchmarkPipelining, two cores): 17 us a call against 26 from 16 callers, 7 against 10 from 128;
// without either 62. Two connections to a master did better than one and than four.
//
// Two nodes, eight callers, four channels each followed at both nodes, on two cores under the
// race detector: every row ended with nothing acknowledged missing (but where the store itself
// lost it), nothing twice, and every follower with exactly what the store had.
//
//	kill -9 and restart with AOF, 3 x     302 commands   lost 0   duplicated 0   longest staleness 0.1 s
//	SIGSTOP for 10 s                      1216           0        0              0.1 s
//	CLIENT KILL pubsub and normal, 10 x   1009           0        0              0.6 s
//	delayed, cut and half-closed, 5 x     942            0        0              0.5 s
//	subscriptions that deliver nothing    621            0        0              0.6 s
//	FLUSHALL                              658            176 (flushed)         0  0.1 s, all in a new epoch
//	Sentinel failover, replica lagging    1029           510 (not replicated)  0  0.1 s, all in a new epoch
//	Sentinel failover, acks replica:1     1872           0        0              0.1 s
//	a cluster's master killed, replica:1  1549           0        0              0.1 s
//	4 slots moved                         645            0        0              0.1 s
//
// What the whole program makes of such faults is in cmd/samepage/e2e.
package redis
