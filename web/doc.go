// Package web is the front door: the HTTP server and the pages behind it.
//
//	GET  /connection/websocket ─────────────────────► sessions        the socket, past everything else
//	GET  /  /app/ /pos/ /desk/ ─── pages              embedded files, ETag, strict CSP
//	POST /v1/commands[/{method}] ─┐
//	GET  /v1/channels/{channel} ──┼─ auth ─ access ─► hub             JWT or API key; problems are RFC 9457
//	GET  …/events  (page or SSE) ─┘          sights ◄─
//	POST /api/{method} ────────────── API key ──────► hub, sessions   Centrifugo's server API, plain channels
//	GET  /healthz /readyz /metrics
//
// Every route is one row of the table in routes.go. Only this package knows
// Echo, and in it only routes.go does: handlers are plain functions of a
// response and a request that return what went wrong.
//
// What holds for every route:
//
//   - Bodies are bounded ([MaxCommandBody], [MaxBatchBody]) and must arrive in time.
//   - Who calls is known before a body is read; what they may see is filtered before it is encoded.
//   - A panic is one request's 500, logged with its stack.
//
// The package makes an [http.Handler]; listening is the caller's. An
// http.Server around it wants a ReadHeaderTimeout (10 s is plenty) and an
// IdleTimeout, but no ReadTimeout and no WriteTimeout: bodies, answers and
// streams have deadlines of their own (see [Options]), and a socket lives long. [Server.Shutdown] goes
// before http.Server.Shutdown, which would wait for streams that never end.
package web
