// Package describe says what the hub can do, for people and for machines: one
// [Description], made of the models' tables, their words and the Go types.
//
//	hub.Model ── methods, sights, docs ─┐                    ┌─► OpenAPI    the HTTP API
//	Go types ─── schemas, rules ────────┼──► Description ────┼─► AsyncAPI   the socket
//	recorded.json ── comments, answers ─┘                    └─► web/docs   the pages
//
// Nothing is written twice. What an argument may be is asked of the
// arguments' own checks (rules.go); what fields mean is what their comments
// say, and what commands answer is what they answered when a test ran the
// examples: both are kept in recorded.json, which go generate makes and a test
// holds against the code.
package describe

//go:generate go test . -run ^TestRecordingIsTrue$ -record
