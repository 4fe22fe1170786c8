// Package bolt is the embedded [hub.Engine]: one bbolt file, opened by one
// process, durable when it answers.
//
// Writes of all callers queue for one goroutine, which puts all that is
// waiting into one transaction and so under one fsync; each is decided on
// what those before it left, and one that is refused leaves no trace:
//
//	Commit ─┐                               ┌─► answers
//	Commit ─┼─► queue ─► writer ─► one tx ──┼─► outbox ─► dispatcher ─► listener
//	Publish ┘             ▲   (fsync)       └─► readers of Log wake
//	(durable)             └── what came meanwhile is the next one
//
// A lone caller is served at once; where callers come side by side, transactions
// begin no more often than every Options.Gather, because an fsync costs more CPU
// than anything else a commit does.
//
// Plain channels that need not survive live in memory and never see the file;
// their messages are delivered in the publisher's goroutine.
//
// # The file
//
// Buckets are flat. Numbers in keys are big-endian, so that they lie in
// order; a channel's rows lie side by side and its newest row beside its head,
// so that a commit touches one leaf of the tree, or two. The other buckets a
// commit writes to are appended to, and a batch shares their last leaf.
//
//	meta         format, partitions, epoch, checked; epoch of 0 context:c-42 (where its past was erased)
//
//	channels     context:c-42 0 1 [offset]   [record][at]            one row per event of its log
//	             context:c-42 0 2            [offset][first][stored] its head: log shown from first, rows from stored
//	             context:c-42 0 3 cart/ca1   [version]{"state":…}    one row per entry
//
//	log          [record]                    [at][seq][offset][n]context:c-42{"type":…}
//	             every event of all channels, once; seq counts in the channel's partition
//
//	checkpoints  [record]                    [seq of partition 0][seq of partition 1]…
//	             every 256 records: where a consumer's cursors point to. The first one is the floor:
//	             records up to it are there only for channels that still show them
//
//	commands     c ID 0 context:c-42         [expires][hash][offset][made]problem
//	             p KEY 0 news                the same for a durable publication's idempotency key
//	expiry       [expires] key in commands   -                       what to remove, and when
//	             [ends] h key in plain       -
//
//	cursors      board 0 [partition]         [seq]
//	timers       context:c-42 0 offer/v1     {"due":…,"method":…,"args":…}
//	due          [due] key in timers         -
//	plain        news 0 1 [offset]           [ends]{"data":…}        plain channels that are kept
//	             news 0 2                    {"epoch":…,"offset":…,"first":…}
//
// An event is in the file once and has two reasons to stay: its channel's log
// (Options.LogSize, LogAge) and the consumers' log (Options.RecordsSize,
// RecordsAge). Whoever of the two lets go last removes it.
//
// The list of free pages is kept as a hash map and written with each
// transaction. Leaving it out of the file would save a page a transaction, but
// then every start, and every transaction that the disk refuses, would read the
// whole file to find it again. Pages that were freed are used again; the file
// itself grows in steps of 16 MiB and does not shrink.
//
// # What holds
//
//   - All channels with entries share the store's epoch, made at first start: nothing but another
//     file ends it, and for one channel [Engine.Erase]. Plain channels in memory are of an epoch of the process's start.
//   - An event's stored JSON says version 0; versions are its offset and filled in when it is read.
//   - A write that the disk refuses answers [hub.ErrUnavailable], changes nothing and is delivered
//     to nobody. Reads go on, and so do writes as soon as the disk takes them.
//   - Reads see one instant and never wait for a writer; the log is read in chunks, because an
//     open read transaction keeps the file from reusing pages.
package bolt
