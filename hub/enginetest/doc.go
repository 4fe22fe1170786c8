// Package enginetest says what an engine is.
//
// [Run] is the conformance suite: every sentence of [hub.Engine] is a test
// that an engine passes or fails. [Model] is the same contract as a program
// so simple that it can be seen to be right; the suite runs random operations
// on an engine and on the model and compares what they answer. The model
// passes the suite too, and serves as the engine of tests elsewhere.
//
//	                 ┌─► engine ─► answer ─┐
//	random operation ┤                     ├─ the same?
//	                 └─► Model  ─► answer ─┘
//
// Where the contract leaves something open, so does the suite: in what order
// several due timers come, how many records beyond the promised are still
// there, how long a message takes to its listener.
package enginetest
