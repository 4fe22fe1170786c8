package commerce

import (
	"github.com/samepage/samepage/hub"
)

// docsOfPeople adds what is about who a customer is. Its examples come last in
// the story, because they end it: the customer is erased.
func docsOfPeople(d hub.Docs) hub.Docs {
	const (
		context                             = hub.KindContext
		customer, till, agent, service, bot = hub.RoleCustomer, hub.RolePOS, hub.RoleAgent, hub.RoleService, hub.RoleBot

		stranger hub.Channel = "context:c-77"
	)
	d.Methods = append(d.Methods,
		methodDoc{
			Name:     "profile.identify",
			Summary:  "Links handles to the customer: an e-mail address, a phone number, an account, a name on a channel. They are stored in one form (phone numbers as E.164) and belong to one customer at a time. A customer may link what the token vouches for (its claims email and phone_number, where verified). The device of a till or tablet is never an identity. A handle that was erased can be brought back by a service, with restore.",
			Problems: []string{CodeIdentityConflict, hub.CodeGone},
			Examples: examples{
				{As: service, On: mara, Args: `{"identities":[{"type":"phone","value":"(415) 555-0100","verified":true},{"type":"email","value":" Mara@Example.com "}]}`},
				{As: service, On: stranger, Args: `{"identities":[{"type":"whatsapp","value":"+1 415 555 0100"}]}`, Problem: CodeIdentityConflict},
				{As: service, On: stranger, Args: `{"identities":[{"type":"device_id","value":"kitchen-tablet"},{"type":"user_id","value":"null"}]}`, Problem: hub.CodeInvalid},
			},
		},
		methodDoc{
			Name:    "profile.open",
			Summary: "Shows staff how to reach the customer: the traits that are masked in the profile, and the handles. That they opened it is an event, and stands on the timeline.",
			Examples: examples{
				{As: agent, On: mara, Args: `{"reason":"calls back"}`},
			},
		},
		methodDoc{
			Name:     "context.resolve",
			Summary:  "Finds the context of a handle; with create it makes one where there is none. It addresses no channel. The answer's result names the context and says whether it was made by this call.",
			Problems: []string{hub.CodeGone},
			Examples: examples{
				{As: agent, Args: `{"type":"phone","value":"+14155550100"}`},
				{As: service, Args: `{"type":"instagram","value":"@Somebody","create":true}`},
				{As: bot, Args: `{"type":"email","value":"nobody@example.com"}`, Problem: hub.CodeNotFound},
			},
		},
		methodDoc{
			Name:    "activity.track",
			Summary: "Puts something that the customer did elsewhere on the timeline, under the name that analytics has for it. Without the customer's consent to analytics it is dropped: the answer has no event.",
			Examples: examples{
				{As: customer, On: mara, Args: `{"event":"Product Viewed","properties":{"sku":"latte"}}`},
			},
		},
		methodDoc{
			Name:    "context.check_in_code",
			Summary: "Makes a code of six digits to show at a till. It is good for two minutes and once; it stands in the entry check_in, which the customer alone sees whole.",
			Examples: examples{
				{As: customer, On: mara},
			},
		},
		methodDoc{
			Name:     "context.check_in",
			Summary:  "Gives the till the context whose code it was shown, for a quarter of an hour: first name, points, carts and orders, no conversations. It addresses no channel; the result names the context and until when. The till's subscription ends with that time.",
			Problems: []string{CodeCodeExpired},
			Examples: examples{
				{As: till, Args: `{"code":"<code>"}`},
				{As: till, Args: `{"code":"000000"}`, Problem: CodeCodeExpired},
			},
		},
		methodDoc{
			Name:     "context.merge",
			Summary:  "Says that two contexts are one customer. The older one wins; the other one stays as an alias, on which commands are accepted and run on the winner, and whose subscribers are moved there. Carts that are being filled become one (the larger quantity of each sku, or the sum, as configured); orders, conversations, points, handles and the timeline move; the stricter consent stands. The result names the context that is left and its alias.",
			Problems: []string{CodeIdentityConflict, hub.CodeGone},
			Examples: examples{
				{As: service, On: stranger, Args: `{"into":"c-78","into_version":0}`, Versions: []string{"profile"}},
				{As: service, On: stranger, Args: `{"into":"c-42"}`, Problem: hub.CodeInvalid},
			},
		},
		methodDoc{
			Name:     "context.export",
			Summary:  "Answers with one document that holds everything of the customer that the caller may see.",
			Problems: []string{hub.CodeGone},
			Examples: examples{
				{As: customer, On: mara},
			},
		},
		methodDoc{
			Name:    "context.erase",
			Summary: "Forgets who the customer is: profile, handles, carts, points, conversations, messages and timeline go, and so does the past of the log. Orders stay, with amounts and no person. The handles are taken out of circulation, so that no late sale or import brings them back. Other commands on the context answer gone afterwards, except what the shop does with its orders.",
			Examples: examples{
				{As: customer, On: mara},
			},
		},
	)
	d.Entries = append(d.Entries,
		hub.EntryOf[hub.Alias](context, hub.AliasKey, hub.AliasKey, "This context is another name of a second one. Where moved is set, that one has all its entries."),
		hub.EntryOf[Erased](context, hub.ErasedKey, hub.ErasedKey, "The customer was erased: what remains of them."),
		hub.EntryOf[CheckIn](context, CheckInKey, CheckInKey, "A code to show at a till, and the tills that have the context because it was shown there."),
	)
	d.Events = append(d.Events,
		hub.EventDoc{Type: "profile.opened", Summary: "A member of staff looked at how to reach the customer."},
		hub.EventDoc{Type: "profile.identified", Summary: "Handles were linked to the customer."},
		hub.EventDoc{Type: "activity.tracked", Summary: "The customer did something elsewhere."},
		hub.EventDoc{Type: "customer.merging", Summary: "This context begins to move into another one."},
		hub.EventDoc{Type: "customer.merged", Summary: "Two contexts became one. On the winner data names from, on the alias into; nothing comes on the alias after it."},
		hub.EventDoc{Type: "customer.merge_aborted", Summary: "A merge that met another one was called off."},
		hub.EventDoc{Type: "customer.erased", Summary: "The customer was erased."},
		hub.EventDoc{Type: "context.check_in_code_made", Summary: "There is a new code to show at a till."},
		hub.EventDoc{Type: "context.check_in_code_expired", Summary: "The code was not used in time."},
		hub.EventDoc{Type: "context.checked_in", Summary: "A till has the context for a while."},
		hub.EventDoc{Type: "context.check_in_ended", Summary: "A till no longer has the context."},
	)
	d.Problems = append(d.Problems,
		hub.ProblemDoc{Code: CodeIdentityConflict, Summary: "The handle belongs to another customer, or this one would have too many of its type. Details: type, and limit or (for staff and services) context."},
		hub.ProblemDoc{Code: CodeCodeExpired, Summary: "The check-in code is not good, or not any more."},
	)
	return d
}
