package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryLimit is how many bytes this process may take from the system; 0 is no
// limit.
type memoryLimit int64

// exitMemory is the exit code by which the pool knows why the process ended.
const exitMemory = 70

// apply makes the garbage collector work harder near the limit, so that it is
// passed only by what is really in use.
func (m memoryLimit) apply() {
	if m > 0 {
		debug.SetMemoryLimit(int64(m) * 9 / 10)
	}
}

// watch ends the process when it passes the limit: a request that needs more
// can't be stopped in any other way. It watches until stop is called.
func (m memoryLimit) watch() (stop func()) {
	if m <= 0 {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if used := memoryInUse(); used > uint64(m) {
					fmt.Fprintf(os.Stderr, "memory limit of %d bytes exceeded: %d in use\n", m, used)
					os.Exit(exitMemory)
				}
			}
		}
	}()
	return func() { close(done) }
}

// withLittleMemory runs what makes far more garbage than it leaves.
func withLittleMemory(run func()) {
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	run()
	debug.FreeOSMemory()
}

// memoryInUse is what the Go runtime holds and has not given back, in bytes.
func memoryInUse() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
