package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"
)

// profileTime is how long a CPU profile takes.
const profileTime = 10 * time.Second

// profileOnSignal answers SIGUSR1 with profiles in a folder, for `go tool pprof`.
func profileOnSignal(folder string) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			if err := writeProfiles(folder, profileTime); err != nil {
				fmt.Fprintln(os.Stderr, "no profile:", err)
			}
		}
	}()
}

// writeProfiles writes engine-<pid>.heap, which shows what is in memory, and
// engine-<pid>.cpu, which shows what uses the CPU during cpuTime.
func writeProfiles(folder string, cpuTime time.Duration) error {
	create := func(kind string) (*os.File, error) {
		return os.Create(filepath.Join(folder, fmt.Sprintf("engine-%d.%s", os.Getpid(), kind)))
	}
	heap, err := create("heap")
	if err != nil {
		return err
	}
	defer heap.Close()
	if err := pprof.WriteHeapProfile(heap); err != nil {
		return err
	}
	cpu, err := create("cpu")
	if err != nil {
		return err
	}
	defer cpu.Close()
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	time.Sleep(cpuTime)
	pprof.StopCPUProfile()
	return nil
}
