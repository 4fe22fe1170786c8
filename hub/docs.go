package hub

import (
	"reflect"
	"time"
)

// Docs is what a model says of itself beside its tables: the words that the
// API's description is made of, and examples that a test runs.
type Docs struct {
	Methods  []MethodDoc // one for each method, in an order in which their examples work
	Entries  []EntryDoc  // one for each kind of entry
	Events   []EventDoc  // one for each type of event
	Problems []ProblemDoc
}

// MethodDoc explains one row of a table of commands.
type MethodDoc struct {
	Name     string   // "cart.add_line"
	Summary  string   // what it does, in whole sentences
	Problems []string // codes of its own; those that any command may answer are left out
	Examples []Example
}

// Example is one call of a method, and how it ends. The examples of all
// methods of a model are one story: they run in their order, on one store.
type Example struct {
	As       Role
	Who      string        // the caller's id, where a story has two of a role; "": the usual one
	On       Channel       // the channel that is addressed
	Args     string        // JSON; "" is {}; "<code>" is what an answer before told as code
	Versions []string      // keys of entries whose versions go along as if_version
	Later    time.Duration // how long after the call before
	Problem  string        // the code it is refused with; "": accepted
}

// EntryDoc says what the document of one kind of entry is made of.
type EntryDoc struct {
	Channel string       // kind of channel: "context"
	Entry   string       // kind of entry: "order"
	Key     string       // "order/ID"
	Doc     reflect.Type // the document
	Summary string
}

// EventDoc says when a type of event happens.
type EventDoc struct{ Type, Summary string }

// ProblemDoc says what a problem's code means. The status is [Problem.Status].
type ProblemDoc struct{ Code, Summary string }

// EntryOf is an EntryDoc for a document of type D.
func EntryOf[D any](channel, entry, key, summary string) EntryDoc {
	return EntryDoc{Channel: channel, Entry: entry, Key: key, Doc: reflect.TypeFor[D](), Summary: summary}
}

// AnyCommand are the codes that every command may answer with: something is
// wrong with the call, with the caller, or with us.
func AnyCommand() []string {
	return []string{
		CodeBadRequest, CodeUnauthorized, CodeForbidden, CodeNotFound, CodeConflict, CodeCommandIDReused,
		CodeTooLarge, CodeInvalid, CodeRateLimited, CodeInternal, CodeUnavailable,
	}
}

// GenericProblems says what the codes of this package mean.
func GenericProblems() []ProblemDoc {
	return []ProblemDoc{
		{CodeBadRequest, "The call cannot be read as a command: it is no JSON object, or has members that no command has. Over the socket this is the protocol's error 107."},
		{CodeUnauthorized, "Nobody we know: the token or the key is missing, expired or not valid."},
		{CodeForbidden, "Known, but not allowed: the command is not for this role, or the channel is not the caller's."},
		{CodeNotFound, "There is no such thing, or none that the caller may see."},
		{CodeUnknownMethod, "No command has this name. Over the socket this is the protocol's error 104."},
		{CodeConflict, "A version in if_version is behind: the entry changed since the caller looked. Details hold the current versions and documents."},
		{CodeInvalidTransition, "Not possible from the state it is in. Details: from (the state), at (since when), by (who brought it there)."},
		{CodeCommandIDReused, "The id was used before, for a command with another body or by another caller."},
		{CodeGone, "It was there, and is no more."},
		{CodeTooLarge, "Over a bound. Details: limit, and what it bounds."},
		{CodeInvalid, "The arguments are not valid. Details map each JSON Pointer to what is wrong there; all faults are listed."},
		{CodeRateLimited, "Too many calls. Wait and try again with the same id."},
		{CodeInternal, "The hub's own fault. It has been noted."},
		{CodeUnavailable, "It could not be stored now; nothing happened. Try again with the same id."},
	}
}
