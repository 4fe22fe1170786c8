// Package e2e tests the whole program from outside: its binary, its ports and
// its file, by the client protocol and by HTTP.
package e2e
