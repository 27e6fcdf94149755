package wire

import (
	"flag"
	"fmt"
	"net/http"
	"os"
)

// Main runs a program that answers requests and uses no network: it reads from standard
// input, answers on standard output, and writes logs to standard error only.
func Main(name string, maxFrame uint32, handle Handler) {
	memory := flag.Uint64("memory-limit", 0, "bytes of memory after which the process ends, 0 for no limit")
	flag.Parse()
	out := os.Stdout
	// What a library prints must not get between two frames.
	os.Stdout = os.Stderr
	http.DefaultTransport = Offline{}
	LimitMemory(*memory)
	server := &Server{MaxFrame: maxFrame, Handle: handle}
	if err := server.Serve(os.Stdin, out); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Offline answers every HTTP request with an error. A program gets all that it needs with
// its requests, whatever addresses its libraries find in them.
type Offline struct{}

func (Offline) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("this program has no network: %s", r.URL.Redacted())
}
