package commerce

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/samepage/samepage/hub"
)

// Money is an amount in minor units of an ISO 4217 currency. Its arithmetic is
// checked: what does not fit, or mixes currencies, is a problem and never a
// wrong number. The zero Money has no currency and is nobody's price.
//
//	{450, "USD"}   4.50 dollars
//	{450, "JPY"}   450 yen: no minor unit
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// currencies are the alphabetic codes of ISO 4217 that money is kept in.
const currencies = " AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD " +
	"CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ " +
	"GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL " +
	"LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN " +
	"PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD " +
	"TWD TZS UAH UGX USD UYU UYW UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG "

// exponents are the digits behind the point where they are not two.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// KnownCurrency reports whether code is a currency of ISO 4217.
func KnownCurrency(code string) bool {
	return len(code) == 3 && strings.ToUpper(code) == code && strings.Contains(currencies, " "+code+" ")
}

// Major is how many minor units make one major unit: 100 for USD, 1 for JPY, 1000 for KWD.
func Major(currency string) int64 {
	digits, ok := exponents[currency]
	if !ok {
		digits = 2
	}
	n := int64(1)
	for range digits {
		n *= 10
	}
	return n
}

func overflow() *hub.Problem {
	return hub.Problemf(CodeMoneyOverflow, "the amount is larger than can be counted")
}

func (m Money) same(o Money) *hub.Problem {
	if m.Currency == o.Currency {
		return nil
	}
	return hub.Problemf(CodeCurrencyMismatch, "%s and %s cannot be put together", m.Currency, o.Currency).
		With(map[string]any{"currencies": []string{m.Currency, o.Currency}})
}

// Add is m + o.
func (m Money) Add(o Money) (Money, *hub.Problem) {
	if p := m.same(o); p != nil {
		return Money{}, p
	}
	if (o.Amount > 0 && m.Amount > math.MaxInt64-o.Amount) || (o.Amount < 0 && m.Amount < math.MinInt64-o.Amount) {
		return Money{}, overflow()
	}
	return Money{m.Amount + o.Amount, m.Currency}, nil
}

// Sub is m - o.
func (m Money) Sub(o Money) (Money, *hub.Problem) {
	if o.Amount == math.MinInt64 {
		return Money{}, overflow()
	}
	return m.Add(Money{-o.Amount, o.Currency})
}

// Times is m multiplied by a count.
func (m Money) Times(n int64) (Money, *hub.Problem) { return m.Scale(n, 1) }

// Scale is m * num / den, rounded half to even; den is above zero.
func (m Money) Scale(num, den int64) (Money, *hub.Problem) {
	n, ok := scale(m.Amount, num, den)
	if !ok {
		return Money{}, overflow()
	}
	return Money{n, m.Currency}, nil
}

// scale is a * num / den rounded half to even, false where it does not fit.
func scale(a, num, den int64) (int64, bool) {
	if den <= 0 {
		return 0, false
	}
	product := new(big.Int).Mul(big.NewInt(a), big.NewInt(num))
	q, r := new(big.Int).DivMod(product, big.NewInt(den), new(big.Int)) // 0 <= r < den
	switch new(big.Int).Lsh(r, 1).Cmp(big.NewInt(den)) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		q.Add(q, big.NewInt(int64(q.Bit(0))))
	}
	return q.Int64(), q.IsInt64()
}

// Split divides m in proportion to weights, by largest remainder: the parts
// always sum to m, and no part is more than one minor unit off its exact
// share. Where all weights are zero the parts are equal. Weights are not
// negative; no weights, no parts.
//
//	{100, "USD"} by 1, 1, 1  ->  34, 33, 33
func (m Money) Split(weights ...int64) []Money {
	if len(weights) == 0 {
		return nil
	}
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, big.NewInt(max(w, 0)))
	}
	if sum.Sign() == 0 {
		even := make([]int64, len(weights))
		for i := range even {
			even[i] = 1
		}
		return m.Split(even...)
	}
	parts := make([]Money, len(weights))
	remainders := make([]*big.Int, len(weights))
	left := m.Amount
	for i, w := range weights {
		product := new(big.Int).Mul(big.NewInt(m.Amount), big.NewInt(max(w, 0)))
		q, r := new(big.Int).DivMod(product, sum, new(big.Int)) // rounds down, also below zero
		parts[i], remainders[i] = Money{q.Int64(), m.Currency}, r
		left -= q.Int64()
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(remainders[b].Cmp(remainders[a]), cmp.Compare(a, b))
	})
	for _, i := range order[:left] {
		parts[i].Amount++
	}
	return parts
}

// check notes what is wrong with an amount somebody sent.
func (m Money) check(f hub.Faults, at string, least int64) {
	switch {
	case m == Money{}:
		f.Add(at, "required: an amount of money")
	case !KnownCurrency(m.Currency):
		f.Add(at+"/currency", "must be a currency of ISO 4217")
	case m.Amount < least:
		f.Add(at+"/amount", "must be at least %d", least)
	}
}
