// Command engine renders Kubernetes manifests for Weir. It reads requests from
// standard input and answers on standard output (see ../wire); it logs to
// standard error only, and ends when its input does.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"
)

func main() {
	memory := flag.Int64("memory-limit", 0, "bytes of memory after which the process ends, 0 for no limit")
	artifact := flag.Int64("artifact-limit", defaultLimits.totalBytes, "bytes that an artifact may unpack to, and that are kept in memory of all")
	profiles := flag.String("profiles", "", "folder for profiles, which are written on SIGUSR1; none unless given")
	flag.Parse()
	if *profiles != "" {
		profileOnSignal(*profiles)
	}
	out := os.Stdout
	// What a library prints must not get between two frames.
	os.Stdout = os.Stderr
	goOffline()
	// Helm logs a lot about charts.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	// The times of a chart's files are stored with a release: in UTC, the same chart is
	// stored as the same bytes everywhere.
	time.Local = time.UTC
	limits := limitsFor(*artifact, memoryLimit(*memory))
	e := &engine{
		artifacts:   newArtifacts(limits),
		expressions: newExpressions(),
		patterns:    newPatterns(),
		charts:      newCharts(limits.cacheBytes),
		renders:     newRenders(limits.cacheBytes / 4),
		hooked:      newHookedReleases(limits.cacheBytes / 2),
		memory:      memoryLimit(*memory),
	}
	e.memory.apply()
	if err := e.serve(os.Stdin, out); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}
