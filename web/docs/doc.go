// Package docs shows people what the hub can do: one page at /docs/, made on
// the server from a describe.Description and readable without scripts, and
// beside it the same for machines.
//
//	/docs/               the page, and its style
//	/v1/openapi.json     the HTTP API
//	/v1/asyncapi.json    the socket
//
// Everything is rendered once, when it is first asked for; then requests are
// served from memory, compressed where they may be.
package docs
