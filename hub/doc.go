// Package hub holds what is true: channels, their entries and logs, and the
// one way to change them.
//
//	command ── Do ──┬─ Decide            a model, pure: entries + command -> event or problem
//	                └─ Engine.Commit     compare-and-set + log + command id, one atomic step
//	                        │
//	followers ◄── Feed ◄── Engine.Listen the fast path; gaps are repaired from the log
//	views, flows ◄──────── Engine.Log    the sure path; durable cursors, at least once
//
// A channel's log is one sequence of events at offsets 1, 2, 3 … of an epoch.
// An entry's version is the offset of the last event that touched it, so a
// snapshot at offset n and the events behind n make the snapshot at the end.
//
//	offset   1                2                      3
//	event    cart.opened      cart.line_added        order.placed
//	cart/ca1 v1 {…}           v2 {lines:{l1}}        v3 {state:ordered}
//	order/o1 -                -                      v3 {…}
//
// What holds, for everybody who uses this package:
//
//   - A command that was answered is durable, and has one effect however often it is sent.
//   - All followers of a channel see the same events in the same order.
//   - A follower gets every event, or is told that it lost the thread ([Sink]).
//   - Models are pure; a lost race is decided again on the fresh state.
//   - What an audience may not see is removed by [Sights] before anything is encoded.
//
// The package knows no network, no disk and no clock of its own: engines and
// doors are its neighbours. It imports the standard library alone.
package hub
