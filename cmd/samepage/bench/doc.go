// Package bench measures servers of the Centrifugo client protocol from
// outside: the CPU time and memory of the server's processes, and the time
// from before a publish or a command to the frame in which a subscriber reads
// it.
//
//	                ┌ sockets, channels, tokens ┐
//	generator ──────┤                           ├──► server(s)   any server of the protocol
//	    ▲           └ HTTP publishes, commands  ┘       │
//	    └── /proc/PID/stat, /proc/PID/status ◄──────────┘        CPU seconds, resident memory
//
// A [Load] is one measurement: so many sockets, such a rate, for so long. It
// always ends: by itself, or when its context does. [Compare] starts a
// reference server and Samepage in turn and sets their figures side by side,
// because only ratios of one run on one machine can be trusted.
package bench
