package bench

// Row is one line of the table: a load, what it is put on, and what Samepage
// aims at.
type Row struct {
	ID    string
	Work  string
	Load  Load
	Nodes int  // how many make up the hub
	Redis bool // they share a Redis server
	Alone bool // no reference does this
	Goal  Goal
}

// Goal is what a row aims at. Zero: nothing.
type Goal struct {
	CPU, P99, Store float64 // at most so many times the reference's
	MostCPU         float64 // microseconds a unit
	MostP99         float64 // milliseconds
	MostRSS         float64 // KB a socket
}

// Met holds what was measured against the goal. Nothing may be lost.
func (g Goal) Met(c Comparison) bool {
	within := func(value, most float64) bool { return most == 0 || value <= most }
	return within(c.CPU, g.CPU) && within(c.P99, g.P99) && within(c.Store, g.Store) &&
		within(c.Samepage.CPU, g.MostCPU) && within(c.Samepage.P99, g.MostP99) && within(c.Samepage.RSS, g.MostRSS) &&
		c.Samepage.Got == c.Samepage.Expected
}

// Secret is what the servers of a comparison are told: the HMAC key of tokens
// and the key of the API.
const Secret = "bench"

// Rows are the measurements of the table, at scale times the work.
func Rows(scale float64) []Row {
	n := func(v int) int { return min(MaxSockets, int(float64(v)*scale)) }
	rate := 2000 * min(scale, 1.5) // what the generator leaves of two cores
	pairs := Load{Mode: "pairs", Sockets: n(2000), Rate: rate}
	storm := Load{Mode: "storm", Sockets: n(2000)}
	commands := Load{Mode: "commands", Sockets: n(3000), Rate: rate}
	rows := []Row{
		{
			ID: "P1", Work: "fan-out: 1 channel, 20 publishes/s of 200 B", Nodes: 1,
			Load: Load{Mode: "fanout", Sockets: n(2000)}, Goal: Goal{CPU: 0.65, P99: 0.7},
		},
		{ID: "P2", Work: "pairs: 2 sockets a channel, HTTP publishes", Nodes: 1, Load: pairs, Goal: Goal{CPU: 0.8, P99: 1}},
		{
			ID: "P3", Work: "idle socket with a recoverable subscription", Nodes: 1,
			Load: Load{Mode: "idle", Sockets: n(5000)}, Goal: Goal{MostRSS: 12},
		},
		{ID: "P4", Work: "connect with token and subscribe", Nodes: 1, Load: Load{Mode: "connect", Sockets: n(3000)}, Goal: Goal{CPU: 0.8}},
		{ID: "P5", Work: "P2 on two nodes and one Redis", Nodes: 2, Redis: true, Load: pairs, Goal: Goal{CPU: 0.7, P99: 1, Store: 1}},
		{ID: "P6", Work: "storm: all return, each missed 10 events", Nodes: 1, Load: storm, Goal: Goal{CPU: 0.8}},
		{ID: "P6R", Work: "P6 with Redis", Nodes: 1, Redis: true, Load: storm, Goal: Goal{CPU: 0.8}},
		{
			ID: "P7", Work: "cart.add_line seen by 3 touchpoints, durable", Nodes: 1, Alone: true,
			Load: commands, Goal: Goal{MostCPU: 150, MostP99: 10},
		},
		{ID: "P7R", Work: "P7 with Redis", Nodes: 1, Redis: true, Alone: true, Load: commands, Goal: Goal{MostCPU: 250, MostP99: 5}},
	}
	for i := range rows {
		rows[i].Load.Secret, rows[i].Load.APIKey = Secret, Secret
	}
	return rows
}
