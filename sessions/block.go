package sessions

import (
	"time"

	"github.com/samepage/samepage/hub"
)

// Blocks is the channel that says who is kept out. Services read it and
// address it with access.block and access.unblock; every node follows it.
//
//	user/ID      whoever's token has this sub, whatever the role
//	token/JTI    one token, by its jti
//	device/ID    whoever's token has this device
const Blocks hub.Channel = hub.KindBlocks + ":default"

// MaxBlocks is how many blocks stand at a time.
const MaxBlocks = 10_000

// Bounds of a block's arguments, in bytes.
const (
	maxBlocked = 255
	maxWhy     = 500
)

// Block is the document of an entry of [Blocks].
type Block struct {
	Reason string    `json:"reason,omitempty"`
	At     hub.Time  `json:"at"`
	By     hub.Actor `json:"by"`
	Until  *hub.Time `json:"until,omitempty"` // absent: until it is taken back
}

// target names what is blocked: exactly one of the three.
type target struct {
	User   string `json:"user,omitempty"`   // a sub
	Token  string `json:"token,omitempty"`  // a jti
	Device string `json:"device,omitempty"` // a device id
}

// The kinds of entries of [Blocks].
const (
	blockUser   = "user"
	blockToken  = "token"
	blockDevice = "device"
)

// key is the entry that a target stands for.
func (t target) key() string {
	switch {
	case t.User != "":
		return blockUser + "/" + t.User
	case t.Token != "":
		return blockToken + "/" + t.Token
	}
	return blockDevice + "/" + t.Device
}

// Check implements [hub.Checker].
func (t target) Check(f hub.Faults) {
	n := 0
	for name, value := range map[string]string{blockUser: t.User, blockToken: t.Token, blockDevice: t.Device} {
		if value != "" {
			n++
		}
		if len(value) > maxBlocked {
			f.Add("/"+name, "must have at most %d bytes", maxBlocked)
		}
	}
	if n != 1 {
		f.Add("", "must name one of user, token and device")
	}
}

type blockArgs struct {
	target
	Until  *hub.Time `json:"until,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Check implements [hub.Checker].
func (a blockArgs) Check(f hub.Faults) {
	a.target.Check(f)
	if len(a.Reason) > maxWhy {
		f.Add("/reason", "must have at most %d bytes", maxWhy)
	}
}

type unblockArgs struct{ target }

type lapseArgs struct {
	Key string `json:"key"`
}

// Model is the table of blocks: a domain of its own, of the doors rather than
// of the shop.
func Model() hub.Model {
	services := []hub.Role{hub.RoleService}
	seen := map[hub.Role]hub.Sight{hub.RoleService: {}}
	return hub.Model{
		Methods: []hub.Method{
			hub.NewMethod("access.block", hub.KindBlocks, hub.ModeCommutes, services, block),
			hub.NewMethod("access.unblock", hub.KindBlocks, hub.ModeCommutes, services, unblock),
			hub.NewMethod("access.lapse", hub.KindBlocks, hub.ModeGuarded, nil, lapse), // a block's timer
		},
		Sights: []hub.EntrySight{
			{Channel: hub.KindBlocks, Entry: blockUser, Roles: seen},
			{Channel: hub.KindBlocks, Entry: blockToken, Roles: seen},
			{Channel: hub.KindBlocks, Entry: blockDevice, Roles: seen},
		},
		Docs: blockDocs(),
	}
}

func block(tx *hub.Tx, a blockArgs) *hub.Problem {
	if tx.Command.On != Blocks {
		return hub.Problemf(hub.CodeNotFound, "blocks stand on %s alone", Blocks)
	}
	if a.Until != nil && !a.Until.After(tx.Now) {
		return hub.Faults{"/until": "must be later than now"}.Problem()
	}
	key := a.key()
	if !tx.Has(key) {
		n := 0
		for range tx.Keys("") {
			n++
		}
		if n >= MaxBlocks {
			return hub.Problemf(hub.CodeTooLarge, "%d blocks stand already", n).With(map[string]any{"limit": MaxBlocks})
		}
	}
	tx.Put(key, Block{Reason: a.Reason, At: hub.At(tx.Now), By: tx.By(), Until: a.Until})
	if a.Until != nil {
		tx.SetTimer(key, a.Until.Time, "access.lapse", lapseArgs{key})
	} else {
		tx.ClearTimer(key)
	}
	tx.Emit("access.blocked", nil)
	return nil
}

// unblock takes a block back; one that does not stand is no change.
func unblock(tx *hub.Tx, a unblockArgs) *hub.Problem {
	if tx.Command.On != Blocks {
		return hub.Problemf(hub.CodeNotFound, "blocks stand on %s alone", Blocks)
	}
	key := a.key()
	if !tx.Has(key) {
		return nil
	}
	tx.Delete(key)
	tx.ClearTimer(key)
	tx.Emit("access.unblocked", nil)
	return nil
}

// lapse removes a block whose time is over. Doors do not wait for it.
func lapse(tx *hub.Tx, a lapseArgs) *hub.Problem {
	var b Block
	if !tx.Get(a.Key, &b) || b.Until == nil || b.Until.After(tx.Now) {
		return nil
	}
	tx.Delete(a.Key)
	tx.Emit("access.lapsed", nil)
	return nil
}

// blockDocs describes the commands, entries and events of blocks.
func blockDocs() hub.Docs {
	by := func(role hub.Role, args string) hub.Example { return hub.Example{As: role, On: Blocks, Args: args} }
	refused := by(hub.RoleService, `{"user":"c-66","device":"till-3"}`)
	refused.Problem = hub.CodeInvalid
	late := by(hub.RoleSystem, `{"key":"token/0192f5c0-aa01"}`)
	late.Later = 48 * time.Hour
	return hub.Docs{
		Methods: []hub.MethodDoc{
			{
				Name: "access.block",
				Summary: "Keeps out whoever has this sub, this token (by its jti) or this device: on every node sockets and streams are closed, and nothing is " +
					"answered any more. Until a time, or until it is taken back. A later block takes the place of an earlier one.",
				Examples: []hub.Example{
					by(hub.RoleService, `{"user":"c-66","reason":"chargeback"}`),
					by(hub.RoleService, `{"device":"till-3","reason":"stolen"}`),
					by(hub.RoleService, `{"token":"0192f5c0-aa01","until":"2026-11-24T09:00:00Z"}`),
					refused,
				},
			},
			{
				Name:     "access.unblock",
				Summary:  "Takes a block back. The user, token or device may return at once.",
				Examples: []hub.Example{by(hub.RoleService, `{"user":"c-66"}`)},
			},
			{
				Name:     "access.lapse",
				Summary:  "Forgets a block whose time is over.",
				Examples: []hub.Example{late},
			},
		},
		Entries: []hub.EntryDoc{
			hub.EntryOf[Block](hub.KindBlocks, blockUser, "user/ID", "A user who is kept out: the sub of their tokens."),
			hub.EntryOf[Block](hub.KindBlocks, blockToken, "token/JTI", "A token that is no longer valid."),
			hub.EntryOf[Block](hub.KindBlocks, blockDevice, "device/ID", "A device that is kept out: the device of its tokens."),
		},
		Events: []hub.EventDoc{
			{Type: "access.blocked", Summary: "A user, token or device was blocked, or its block changed."},
			{Type: "access.unblocked", Summary: "A block was taken back."},
			{Type: "access.lapsed", Summary: "A block's time was over."},
		},
	}
}
