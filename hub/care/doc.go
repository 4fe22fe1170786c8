// Package care holds the rules of conversations: who may speak, who owns a
// thread, and how it passes from bot to queue to agent and back. Its decisions are pure.
//
//	            open                    claim
//	(none) ──► bot ──escalate──► queued ─────► assigned ──resolve──► wrapup ──► resolved
//	            ▲                  ▲ ▲            │ │ ▲                            │
//	            │                  │ └──release───┘ │ └─wake─ snoozed ◄─snooze─┐   │
//	            └──return_to_bot───┼────────────────┘                          │   │
//	                               └──── a customer's word, or reopen ─────────┴───┘
//
// A conversation lives in its customer's context as conversation/ID, its
// messages beside it as message/CONVERSATION/ID.
//
//   - The owner is exactly one of nobody, a bot, an agent; only the owner's
//     public words go out. A customer may always speak; agents may always note.
//   - The owner hands a thread over by an offer, one at a time, and has it until
//     the offer is accepted. Nobody outside learns of offers.
//   - Notes are private: customers, bots and tills never learn of them, not
//     even that there was one.
//   - The latest [MaxMessages] messages, and as many notes, stay in the
//     snapshot. The log keeps the others; conversation.messages tells them.
package care
