package main

import (
	"fmt"
	"strings"
)

// unknownKey is the error for a key nobody knows, with the nearest one that
// somebody does: of those beside it, else of all.
func unknownKey(key string, beside []string) error {
	near := nearest(key, beside)
	if near == "" {
		var all []string
		for _, s := range settings(defaultConfig()) {
			all = append(all, s.key)
		}
		near = nearest(key, all)
	}
	if near == "" {
		return fmt.Errorf("unknown key %q", key)
	}
	return fmt.Errorf("unknown key %q; did you mean %q?", key, near)
}

// nearest is the name that differs least from word, "" if none is near. The
// same words behind other parents (token_audience for client.token.audience) are near.
func nearest(word string, names []string) string {
	best, distance := "", max(2, len(word)/5)+1
	for _, name := range names {
		d := edits(word, name)
		if strings.HasSuffix(strings.ReplaceAll(name, ".", "_"), "_"+strings.ReplaceAll(word, ".", "_")) {
			d = 1
		}
		if d < distance {
			best, distance = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
