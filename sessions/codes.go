package sessions

import (
	"fmt"
	"slices"

	"github.com/centrifugal/protocol"

	"github.com/samepage/samepage/hub"
)

// Code is how something ends badly on the wire. Below 2000 it is the error of
// one reply and the session goes on, from 2000 it ends one subscription, from
// 3000 it closes the socket. Clients come back after an unsubscribe from 2500
// and after a close that is not from 3500 to 3999 or from 4500 to 4999.
type Code struct {
	Code      uint32
	Reason    string
	Temporary bool // of a reply: the same command may succeed later
}

// Error implements error.
func (c *Code) Error() string { return fmt.Sprintf("%d: %s", c.Code, c.Reason) }

// Closes reports whether the code ends the session.
func (c *Code) Closes() bool { return c.Code >= 3000 }

func (c *Code) reply() *protocol.Error {
	return &protocol.Error{Code: c.Code, Message: c.Reason, Temporary: c.Temporary}
}

// codes are all that the table below makes, in its order.
var codes []*Code

func code(number uint32, reason string, temporary bool) *Code {
	c := &Code{number, reason, temporary}
	codes = append(codes, c)
	return c
}

// Codes lists the table.
func Codes() []*Code { return slices.Clone(codes) }

// The table of everything that the protocol can say no with. A revoked token
// closes with 3500, a blocked user or device with 3507 (see [Blocks]); a right
// that ends takes its subscription with 2000, so that clients do not ask again
// and again for what they may not have.
var (
	ErrorInternal              = code(100, "internal server error", true)
	ErrorUnauthorized          = code(101, "unauthorized", false)
	ErrorUnknownChannel        = code(102, "unknown channel", false)
	ErrorPermissionDenied      = code(103, "permission denied", false)
	ErrorMethodNotFound        = code(104, "method not found", false)
	ErrorAlreadySubscribed     = code(105, "already subscribed", false)
	ErrorLimitExceeded         = code(106, "limit exceeded", false)
	ErrorBadRequest            = code(107, "bad request", false)
	ErrorNotAvailable          = code(108, "not available", false)
	ErrorTokenExpired          = code(109, "token expired", false)
	ErrorExpired               = code(110, "expired", false)
	ErrorTooManyRequests       = code(111, "too many requests", true)
	ErrorUnrecoverablePosition = code(112, "unrecoverable position", false)

	UnsubscribeServer       = code(2000, "server unsubscribe", false)
	UnsubscribeMoved        = code(2001, "moved", false) // a subscribe push of the channel it stands for follows
	UnsubscribeInsufficient = code(2500, "insufficient state", false)
	UnsubscribeExpired      = code(2501, "subscription expired", false)
	UnsubscribeInvalidated  = code(2502, "state invalidated", false)

	CloseConnectionClosed  = code(3000, "connection closed", false)
	CloseShutdown          = code(3001, "shutdown", false)
	CloseServerError       = code(3004, "internal server error", false)
	CloseExpired           = code(3005, "connection expired", false)
	CloseSubExpired        = code(3006, "subscription expired", false)
	CloseSlow              = code(3008, "slow", false)
	CloseWriteError        = code(3009, "write error", false)
	CloseInsufficientState = code(3010, "insufficient state", false)
	CloseForceReconnect    = code(3011, "force reconnect", false)
	CloseNoPong            = code(3012, "no pong", false)
	CloseTooManyRequests   = code(3013, "too many requests", false)
	CloseStateInvalidated  = code(3014, "state invalidated", false)

	CloseInvalidToken     = code(3500, "invalid token", false)
	CloseBadRequest       = code(3501, "bad request", false)
	CloseStale            = code(3502, "stale", false)
	CloseForceNoReconnect = code(3503, "force disconnect", false)
	CloseConnectionLimit  = code(3504, "connection limit", false)
	CloseChannelLimit     = code(3505, "channel limit", false)
	CloseProtocol         = code(3506, "inappropriate protocol", false)
	ClosePermissionDenied = code(3507, "permission denied", false)
	CloseNotAvailable     = code(3508, "not available", false)
	CloseTooManyErrors    = code(3509, "too many errors", false)
)

// maxReason is the longest reason that fits a close frame, in bytes.
const maxReason = 123

// ofProblem is the error of a reply for a refusal by the access table.
func ofProblem(p *hub.Problem) *Code {
	switch p.Code {
	case hub.CodeNotFound:
		return ErrorUnknownChannel
	case hub.CodeForbidden:
		return ErrorPermissionDenied
	case CodeNotAvailable:
		return ErrorNotAvailable
	}
	return ErrorInternal
}
