// Package redis knows in Redis who is in which channel, for all nodes of a
// hub together.
//
//	Join ──► join.lua     members of the channel + what this node holds        one round trip
//	Run  ──► live.lua     every two seconds, one call for the whole node: no session refreshes anything
//	    └──► leave.lua    for every member of a node that was not heard of for six seconds
//
// A member belongs to the node that joined it. While the node lives, it costs
// nothing; a node that dies is noticed by the others, who remove its members,
// each told to Options.Left once, by whoever removed it. Removing is atomic:
// of two nodes that try, one does.
//
// A node that stood still for so long that it was taken for dead comes back
// under another name and joins all of its members again, so that nothing that
// others do to the dead one touches them; those who were told to have left are
// told to Options.Joined. The same heals a store that lost members: every few
// rounds a node compares how many it holds with how many are there.
//
// The keys, with the prefix "samepage"; all of a partition's share a hash tag:
//
//	samepage:presence:nodes                       zset   node by until when it lives
//	samepage:presence:{17}:channels               hash   channel -> how many members
//	samepage:presence:{17}:in:chat:lobby          hash   client -> node, user, member
//	samepage:presence:{17}:users:chat:lobby       hash   user -> how many clients
//	samepage:presence:{17}:node:NODE              hash   client channel: what the node holds
package redis
