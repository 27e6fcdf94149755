package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryLimit is how many bytes this process may take from the system; 0 means no limit.
type memoryLimit int64

// exitMemory is the exit code that tells the pool why the process ended.
const exitMemory = 70

// apply makes the garbage collector work harder near the limit, so that only memory that
// is really in use exceeds it.
func (m memoryLimit) apply() {
	if m > 0 {
		debug.SetMemoryLimit(int64(m) * 9 / 10)
	}
}

// watch ends the process when it exceeds the limit, because a request that needs more
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

// withLittleMemory runs code that makes far more garbage than it leaves in use.
func withLittleMemory(run func()) {
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	run()
	debug.FreeOSMemory()
}

// memoryInUse returns the bytes that the Go runtime holds and has not given back.
func memoryInUse() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
