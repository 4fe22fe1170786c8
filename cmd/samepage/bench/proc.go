package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is USER_HZ, in which /proc counts CPU time: 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// usage is what processes have used so far.
type usage struct {
	cpu   time.Duration // user and system
	store time.Duration // the same, of the store
	rss   int64         // bytes resident now
}

func (l Load) usage() (usage, error) {
	var sum usage
	for _, pid := range l.Pids {
		u, err := processUsage(pid)
		if err != nil {
			return usage{}, err
		}
		sum.cpu += u.cpu
		sum.rss += u.rss
	}
	if l.Store != 0 {
		u, err := processUsage(l.Store)
		if err != nil {
			return usage{}, err
		}
		sum.store = u.cpu
	}
	return sum, nil
}

// processUsage reads /proc/PID/stat: fields 14 and 15 are the ticks of user and
// system time, 24 the resident pages (proc(5)).
func processUsage(pid int) (usage, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("bench: read the usage of process %d: %w", pid, err)
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // the name may hold anything
	if len(fields) < 22 {
		return usage{}, fmt.Errorf("bench: /proc/%d/stat has %d fields", pid, len(fields))
	}
	var n [3]int64
	for i, at := range []int{11, 12, 21} {
		if n[i], err = strconv.ParseInt(string(fields[at]), 10, 64); err != nil {
			return usage{}, fmt.Errorf("bench: /proc/%d/stat: %w", pid, err)
		}
	}
	return usage{cpu: time.Duration(n[0]+n[1]) * clockTick, rss: n[2] * int64(os.Getpagesize())}, nil
}

// charge notes what was used, for each unit.
func (r *Result) charge(before, after usage) {
	if r.Units > 0 {
		r.CPU = float64((after.cpu - before.cpu).Microseconds()) / float64(r.Units)
		r.Store = float64((after.store - before.store).Microseconds()) / float64(r.Units)
	}
}
