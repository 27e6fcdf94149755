package wire

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// exitMemory is the exit code that tells the service why the process ended.
const exitMemory = 70

// LimitMemory ends the process when it takes more than this many bytes from the system; 0
// means no limit. A request that needs more can't be stopped in any other way.
func LimitMemory(bytes uint64) {
	if bytes == 0 {
		return
	}
	// The collector works harder near the limit, so that only memory in use exceeds it.
	debug.SetMemoryLimit(int64(bytes) * 9 / 10)
	go func() {
		var stats runtime.MemStats
		for range time.Tick(50 * time.Millisecond) {
			runtime.ReadMemStats(&stats)
			if used := stats.Sys - stats.HeapReleased; used > bytes {
				fmt.Fprintf(os.Stderr, "memory limit of %d bytes exceeded: %d in use\n", bytes, used)
				os.Exit(exitMemory)
			}
		}
	}()
}
