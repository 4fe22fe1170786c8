package commerce

import "strconv"

// word is n characters of an alphabet, picked by an id that [hub.Tx.NewID] made.
func word(id, alphabet string, n int) string {
	v, _ := strconv.ParseUint(id[len(id)-12:], 16, 64) // 48 bits, none of them fixed
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[v%uint64(len(alphabet))]
		v /= uint64(len(alphabet))
	}
	return string(out)
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789" // none that are read for one another
)
