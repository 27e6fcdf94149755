// Command verifier says whether artifacts are signed as they have to be. It reads
// requests from standard input and answers on standard output (see frame.go), logs
// to standard error only, and ends when its input does. It never touches the
// network: whatever a verification needs comes with its request.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	memory := flag.Int64("memory-limit", 0, "bytes of memory after which the process ends, 0 for no limit")
	flag.Parse()
	out := os.Stdout
	// Whatever a library prints must not get between two frames.
	os.Stdout = os.Stderr
	http.DefaultTransport = offline{}
	limit := memoryLimit(*memory)
	limit.watch()
	if err := serve(bufio.NewReader(os.Stdin), out); err != nil {
		fmt.Fprintln(os.Stderr, "verifier:", err)
		os.Exit(1)
	}
}

// serve answers one request after the other until the input ends.
func serve(in *bufio.Reader, out io.Writer) error {
	for {
		request, err := readRequest(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := writeAnswer(out, answerTo(request)); err != nil {
			return err
		}
	}
}

// answerTo never panics: what a library makes of hostile input is an error.
func answerTo(r *request) (a *answer) {
	a = &answer{Type: "response", ID: r.ID}
	defer func() {
		if cause := recover(); cause != nil {
			a.Body, a.Error = nil, &problem{reasonInternal, fmt.Sprintf("recovered from panic: %v", cause)}
		}
	}()
	body, err := handle(r.Op, r.Body)
	if err != nil {
		a.Error = problemOf(err)
		return a
	}
	a.Body = body
	return a
}

func handle(op string, body json.RawMessage) (any, error) {
	switch op {
	case "notation":
		return decoded(body, verifyNotation)
	case "keyless":
		return decoded(body, verifyKeyless)
	}
	return nil, invalid(fmt.Errorf("unknown operation %q", op))
}

func decoded[Request, Answer any](body json.RawMessage, run func(*Request) (Answer, error)) (any, error) {
	request := new(Request)
	if err := json.Unmarshal(body, request); err != nil {
		return nil, invalid(err)
	}
	return run(request)
}

// offline answers every HTTP request with an error: lists of revoked certificates,
// for example, are named by certificates that come from a registry.
type offline struct{}

func (offline) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("nothing is fetched during a verification: %s", r.URL.Redacted())
}
