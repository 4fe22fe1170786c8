package hub

import (
	"encoding/json"
	"fmt"
)

// Problem is a refusal with a reason. It is an answer, not a failure: the hub
// stays as it was. Code is snake_case and stable; Details depends on the code
// and marshals to a JSON object.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details any    `json:"details,omitempty"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// Problemf makes a problem with a formatted message.
func Problemf(code, format string, args ...any) *Problem {
	return &Problem{Code: code, Message: fmt.Sprintf(format, args...)}
}

// With returns a copy of p with details.
func (p *Problem) With(details any) *Problem {
	q := *p
	q.Details = details
	return &q
}

// The generic codes. Those of a domain live beside its rules.
const (
	CodeBadRequest        = "bad_request"        // not readable as a command
	CodeUnauthorized      = "unauthorized"       // nobody we know
	CodeForbidden         = "forbidden"          // known, but may not
	CodeNotFound          = "not_found"          // no such thing, or none you may see
	CodeUnknownMethod     = "unknown_method"     // no command of that name; doors say not_found
	CodeConflict          = "conflict"           // if_version is behind; details: versions, entries
	CodeInvalidTransition = "invalid_transition" // not from this state; details: from, at, by
	CodeCommandIDReused   = "command_id_reused"  // the id was used for another command
	CodeGone              = "gone"               // was here, is no more
	CodeTooLarge          = "too_large"          // over a bound; details: limit
	CodeInvalid           = "invalid"            // details: JSON Pointer -> reason
	CodeRateLimited       = "rate_limited"       // slow down
	CodeUnavailable       = "unavailable"        // could not be stored now; retry with the same id
	CodeInternal          = "internal"           // our fault; logged
)

// statuses is the one table from code to HTTP status. A code that is not
// listed is a business refusal: 409.
var statuses = map[string]int{
	CodeBadRequest: 400, CodeUnauthorized: 401, CodeForbidden: 403, CodeNotFound: 404,
	CodeUnknownMethod: 404, CodeConflict: 409, CodeInvalidTransition: 409,
	CodeCommandIDReused: 409, CodeGone: 410, CodeTooLarge: 413, CodeInvalid: 422,
	CodeRateLimited: 429, CodeInternal: 500, CodeUnavailable: 503,
}

// Status is the HTTP status of the problem.
func (p *Problem) Status() int {
	if s, ok := statuses[p.Code]; ok {
		return s
	}
	return 409
}

// Remembered reports whether a refusal is stored under its command's id, so
// that a retry gets the same answer. Business refusals are; what was malformed,
// not allowed or not possible just now is not.
func (p *Problem) Remembered() bool {
	switch p.Code {
	case CodeBadRequest, CodeUnauthorized, CodeForbidden, CodeUnknownMethod, CodeCommandIDReused,
		CodeTooLarge, CodeInvalid, CodeRateLimited, CodeUnavailable, CodeInternal:
		return false
	}
	return true
}

// Faults collects what is wrong with arguments: JSON Pointer (RFC 6901) -> reason.
type Faults map[string]string

// Add notes a fault; the first one at a pointer stays.
func (f Faults) Add(pointer, format string, args ...any) {
	if _, ok := f[pointer]; !ok {
		f[pointer] = fmt.Sprintf(format, args...)
	}
}

// Problem is nil if there are no faults, else the invalid problem that lists them.
func (f Faults) Problem() *Problem {
	if len(f) == 0 {
		return nil
	}
	return &Problem{Code: CodeInvalid, Message: "the command's arguments are not valid", Details: f}
}

// DecodeProblem reads a stored problem; Details becomes raw JSON.
func DecodeProblem(b []byte) (*Problem, error) {
	var p struct {
		Code    string          `json:"code"`
		Message string          `json:"message"`
		Details json.RawMessage `json:"details"`
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("decode problem: %w", err)
	}
	q := &Problem{Code: p.Code, Message: p.Message}
	if p.Details != nil {
		q.Details = p.Details
	}
	return q, nil
}
