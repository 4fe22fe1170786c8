package commerce_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/samepage/samepage/hub/commerce"
)

func TestScalingRoundsHalfToEven(t *testing.T) {
	for _, tt := range []struct{ amount, num, den, want int64 }{
		{5, 1, 2, 2}, {7, 1, 2, 4}, {-5, 1, 2, -2}, {-7, 1, 2, -4}, {10, 1, 3, 3}, {20, 1, 3, 7}, {-20, 1, 3, -7},
		{math.MaxInt64, 1, 1, math.MaxInt64}, {math.MaxInt64, 2, 2, math.MaxInt64}, {1250, 25, 1000, 31}, {1350, 1, 100, 14},
	} {
		got, p := commerce.Money{Amount: tt.amount, Currency: "USD"}.Scale(tt.num, tt.den)
		if p != nil || got.Amount != tt.want {
			t.Errorf("%d * %d / %d is %v %v, want %d", tt.amount, tt.num, tt.den, got, p, tt.want)
		}
	}
}

func TestArithmeticThatDoesNotFitIsAProblem(t *testing.T) {
	most, least := usd(math.MaxInt64), usd(math.MinInt64)
	if _, p := most.Add(usd(1)); p == nil || p.Code != commerce.CodeMoneyOverflow {
		t.Errorf("most + 1: %v", p)
	}
	if _, p := least.Sub(usd(1)); p == nil || p.Code != commerce.CodeMoneyOverflow {
		t.Errorf("least - 1: %v", p)
	}
	if _, p := usd(0).Sub(least); p == nil || p.Code != commerce.CodeMoneyOverflow {
		t.Errorf("0 - least: %v", p)
	}
	if _, p := most.Times(2); p == nil || p.Code != commerce.CodeMoneyOverflow {
		t.Errorf("most * 2: %v", p)
	}
	if _, p := usd(1).Add(commerce.Money{Amount: 1, Currency: "EUR"}); p == nil || p.Code != commerce.CodeCurrencyMismatch {
		t.Errorf("dollars + euros: %v", p)
	}
}

func TestSplitting(t *testing.T) {
	for name, tt := range map[string]struct {
		amount  int64
		weights []int64
		want    []int64
	}{
		"in thirds":            {100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		"by tenders":           {450, []int64{650, 250}, []int64{325, 125}},
		"by the remainder":     {10, []int64{1, 2, 4}, []int64{1, 3, 6}},
		"of a debt":            {-100, []int64{1, 1, 1}, []int64{-33, -33, -34}},
		"without any weight":   {3, []int64{0, 0}, []int64{2, 1}},
		"with one of no worth": {5, []int64{0, 1}, []int64{0, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, part := range usd(tt.amount).Split(tt.weights...) {
				if part.Amount != tt.want[i] {
					t.Errorf("part %d is %d, want %d", i, part.Amount, tt.want[i])
				}
			}
		})
	}
	if got := usd(1).Split(); got != nil {
		t.Errorf("without weights: %v", got)
	}
}

func TestPartsSumAndAreFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64().Draw(t, "amount")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 12).Draw(t, "weights")
		var sum, weight int64
		for _, w := range weights {
			weight += w
		}
		for i, part := range usd(amount).Split(weights...) {
			sum += part.Amount
			if weight == 0 {
				continue
			}
			exact := float64(amount) * float64(weights[i]) / float64(weight)
			if math.Abs(exact-float64(part.Amount)) > 1+math.Abs(exact)*1e-12 {
				t.Fatalf("part %d of %d by %v is %d, want about %f", i, amount, weights, part.Amount, exact)
			}
		}
		if sum != amount {
			t.Fatalf("the parts of %d by %v sum to %d", amount, weights, sum)
		}
	})
}

func TestCurrencies(t *testing.T) {
	for code, want := range map[string]int64{"USD": 100, "JPY": 1, "KWD": 1000, "CLF": 10000, "EUR": 100} {
		if got := commerce.Major(code); got != want || !commerce.KnownCurrency(code) {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
	for _, code := range []string{"", "usd", "US", "D A", "XXX", " AED"} {
		if commerce.KnownCurrency(code) {
			t.Errorf("%q is taken for a currency", code)
		}
	}
}
