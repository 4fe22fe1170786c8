// Samepage is a real-time sync hub for channel integration: a customer's cart,
// orders and conversations live in one shared context that the customer's app,
// the store's tills and the agents' desk all look at.
//
//	flags > SAMEPAGE_* > --config FILE > defaults
//	          │
//	        Config ── house: store -> hub -> views, prices, timers -> sessions -> front door
//	                         built in this order, closed in reverse
//
//	samepage serve   runs the hub
//	samepage demo    runs it with a little shop in it
//	samepage token   mints a token for a touchpoint
//	samepage tail    follows a channel from a terminal
//	samepage config  prints the configuration that holds
package main
