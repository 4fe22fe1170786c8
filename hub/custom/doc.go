// Package custom lets an operator share what we did not think of: a repair
// ticket in a customer's context, a table booking in a store.
//
//	entries:                                  configuration
//	  - kind: repair                          entry.put   {"key":"repair/r1","doc":{…}}
//	    channel: context                      entry.merge {"key":"repair/r1","patch":{…}}
//	    schema: {type: object, …}             entry.remove{"key":"repair/r1"}
//	    roles: {customer: read, agent: write}
//
// A kind says where its entries live, what their documents look like (JSON
// Schema) and who sees and writes them. A role that is not listed sees nothing.
// The rules of all entries hold for these too: versions, events, patches,
// filters before anything is encoded.
//
// It is a room of its own, beside the shop and not in it: it knows nothing of
// carts and orders, and its one library, the validator, stays here.
package custom
