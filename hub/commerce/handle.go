package commerce

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/samepage/samepage/hub"
)

// Identities say which handles are taken for a person's. The zero value works.
type Identities struct {
	Region  string         // of phone numbers without a country code; defaults to US
	Limits  map[string]int // how many of a type one customer has; defaults to 1 user_id and 5 of any other
	Blocked []string       // further values that are nobody's: device ids of tills, test accounts. Patterns of package regexp, whole values
}

// MaxHandle is the longest value of a handle, in bytes.
const MaxHandle = 128

// types of handle besides "marketplace:NAME". A device is no person: tills and
// tablets are used by many.
var handleTypes = []string{
	"user_id", "anonymous_id", "email", "phone", "whatsapp", "sms", "instagram", "messenger", "facebook", "telegram",
	"viber", "line", "wechat", "apple", "google", "twitter", "loyalty_card", "cookie",
}

var (
	marketplace = regexp.MustCompile(`^marketplace:[a-z0-9_-]{1,32}$`)
	mailAddress = regexp.MustCompile(`^[^@]+@[^@]+\.[^@.]+$`)
	// What systems write where they know nobody. It is compared in lower case.
	blockedValues = regexp.MustCompile(`^([0-]*|-1|null|nil|none|undefined|nan|anonymous|unknown|guest|test|true|false|n/a|na|\[object object\])$`)
)

// directory knows which handles there can be.
type directory struct {
	Identities
	blocked []*regexp.Regexp
}

func newDirectory(c Identities) *directory {
	d := &directory{Identities: c}
	d.Region = strings.ToUpper(cmp.Or(c.Region, "US"))
	for _, pattern := range c.Blocked {
		d.blocked = append(d.blocked, regexp.MustCompile(`^(?:`+pattern+`)$`))
	}
	return d
}

// Check reports the first pattern or region that cannot be.
func (c Identities) Check() error {
	if c.Region != "" && phonenumbers.GetCountryCodeForRegion(strings.ToUpper(c.Region)) == 0 {
		return fmt.Errorf("%q is no region: two letters of ISO 3166", c.Region)
	}
	for _, pattern := range c.Blocked {
		if _, err := regexp.Compile(`^(?:` + pattern + `)$`); err != nil {
			return fmt.Errorf("%q is no pattern: %w", pattern, err)
		}
	}
	return nil
}

// limit is how many handles of a type one customer has.
func (d *directory) limit(t string) int {
	if n, ok := d.Limits[t]; ok {
		return n
	}
	if t == "user_id" {
		return 1
	}
	return 5
}

// normalise makes of a handle the one form in which it is compared, and says
// what is wrong with one that cannot be anybody's: at which field, and why.
func (d *directory) normalise(h hub.Handle) (hub.Handle, string, string) {
	if !slices.Contains(handleTypes, h.Type) && !marketplace.MatchString(h.Type) {
		if strings.Contains(h.Type, "device") {
			return h, "type", "is a device, not a person"
		}
		return h, "type", "is no type of handle"
	}
	value := strings.TrimSpace(h.Value)
	if value == "" {
		return h, "value", "required"
	}
	if len(value) > MaxHandle {
		return h, "value", fmt.Sprintf("must have at most %d bytes", MaxHandle)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return h, "value", "must be printable"
	}
	lower := strings.ToLower(value)
	isBlocked := func(p *regexp.Regexp) bool { return p.MatchString(value) || p.MatchString(lower) }
	if blockedValues.MatchString(lower) || slices.ContainsFunc(d.blocked, isBlocked) {
		return h, "value", "is nobody's"
	}
	switch h.Type {
	case "phone", "whatsapp", "sms":
		n, err := phonenumbers.Parse(value, d.Region)
		if err != nil || !phonenumbers.IsPossibleNumber(n) {
			return h, "value", "is no phone number"
		}
		value = phonenumbers.Format(whatIsDialled(n), phonenumbers.E164)
	case "email":
		if !mailAddress.MatchString(lower) || strings.ContainsAny(lower, " \t<>\"") {
			return h, "value", "is no e-mail address"
		}
		value = lower
	case "instagram", "twitter", "telegram":
		value = strings.TrimPrefix(lower, "@")
	}
	if value == "" {
		return h, "value", "required"
	}
	return hub.Handle{Type: h.Type, Value: value}, "", ""
}

// whatIsDialled brings the two ways to write one number together where a
// country has them: Argentine mobiles with and without the 9, Mexican ones with
// and without the 1.
func whatIsDialled(n *phonenumbers.PhoneNumber) *phonenumbers.PhoneNumber {
	national := phonenumbers.GetNationalSignificantNumber(n)
	var short string
	switch code := int(n.GetCountryCode()); {
	case code == 54 && len(national) == 11 && national[0] == '9':
		short = national[1:]
	case code == 52 && len(national) == 11 && national[0] == '1':
		short = national[1:]
	default:
		return n
	}
	made, err := phonenumbers.Parse(fmt.Sprintf("+%d%s", n.GetCountryCode(), short), "")
	if err != nil {
		return n
	}
	return made
}
