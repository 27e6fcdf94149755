package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// memoryLimit is how many bytes this process may take from the system; 0 is no
// limit.
type memoryLimit uint64

// exitMemory is the exit code by which the pool knows why the process ended.
const exitMemory = 70

// watch ends the process when it passes the limit: a verification that needs more
// can't be stopped in any other way.
func (m memoryLimit) watch() {
	if m == 0 {
		return
	}
	// The collector works harder near the limit, so that only what is in use passes it.
	debug.SetMemoryLimit(int64(m) * 9 / 10)
	go func() {
		var stats runtime.MemStats
		for range time.Tick(50 * time.Millisecond) {
			runtime.ReadMemStats(&stats)
			if used := stats.Sys - stats.HeapReleased; used > uint64(m) {
				fmt.Fprintf(os.Stderr, "memory limit of %d bytes exceeded: %d in use\n", m, used)
				os.Exit(exitMemory)
			}
		}
	}()
}
