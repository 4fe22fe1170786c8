// Package presence knows who is in which channel.
//
//	session ── Join ──► channel "chat:lobby" ── Members ──► {client: member, …}
//	        ── Leave ─►    client a  user 42                Stats ► 2 clients, 1 user
//	                       client b  user 42
//
// A member is one connection; a user with two devices is two members. What
// holds for every [Store], and is tested by presencetest:
//
//   - A client is in a channel at most once, as it joined last.
//   - Answers belong to the caller; a store never sees what is done to them.
//   - A channel without members costs nothing and is not listed.
//   - Methods may be called concurrently, and report an ended context.
//
// [Memory] is the store of a single node: its members go with the process.
// The package imports the standard library alone.
package presence
