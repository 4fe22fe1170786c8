package sessions

// Closing is how many sessions are being closed by the server.
func Closing(s *Server) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		if one.out.closing() {
			n++
		}
	}
	return n
}

// Undelta carries a delta out, as clients do.
var Undelta = undelta
