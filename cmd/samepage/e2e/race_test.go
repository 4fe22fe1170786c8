//go:build race

package e2e

// raceEnabled: the program is built with the race detector as well.
const raceEnabled = true
