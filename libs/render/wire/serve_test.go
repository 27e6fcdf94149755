package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

type question struct {
	Text string `json:"text"`
}

// started runs a server, and returns functions that write a frame to it and read one from
// it.
func started(t *testing.T, handle Handler) (write func(string), read func() *incoming, ended <-chan error) {
	t.Helper()
	toServer, input := io.Pipe()
	output, fromServer := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- (&Server{MaxFrame: 1000, Handle: handle}).Serve(toServer, fromServer) }()
	reader := bufio.NewReader(output)
	return func(text string) {
			var frame json.RawMessage = []byte(text)
			data := []byte{0, 0, byte(len(frame) >> 8), byte(len(frame))}
			if _, err := input.Write(append(data, frame...)); err != nil {
				t.Error(err)
			}
		}, func() *incoming {
			frame, err := readFrame(reader, 1000)
			if err != nil {
				t.Fatal(err)
			}
			return frame
		}, done
}

func TestAnswersAndAsks(t *testing.T) {
	write, read, _ := started(t, func(ask Ask, op string, body json.RawMessage) (any, error) {
		switch op {
		case "ask":
			return Decoded(body, func(q *question) (*question, error) {
				answer := new(question)
				err := ask("more", q, answer)
				return answer, err
			})
		case "panic":
			panic("at once")
		}
		return nil, Invalid(errors.New("unknown"))
	})
	write(`{"type":"request","id":1,"op":"ask","body":{"text":"a"}}`)
	asked := read()
	if asked.Type != typeCallback || asked.Op != "more" || !bytes.Contains(asked.Body, []byte(`"a"`)) {
		t.Errorf("%+v", asked)
	}
	// Other requests are answered meanwhile.
	write(`{"type":"request","id":2,"op":"panic"}`)
	if f := read(); f.ID != 2 || f.Error == nil || f.Error.Reason != ReasonInternal {
		t.Errorf("%+v", f)
	}
	write(`{"type":"callbackResponse","id":1,"body":{"text":"b"}}`)
	if f := read(); f.ID != 1 || !bytes.Contains(f.Body, []byte(`"b"`)) {
		t.Errorf("%+v", f)
	}
	write(`{"type":"request","id":3,"op":"ask","body":{"text":"c"}}`)
	read()
	write(`{"type":"callbackResponse","id":2,"error":{"reason":"NotFound","message":"no such thing"}}`)
	if f := read(); f.Error == nil || f.Error.Reason != "NotFound" || f.Error.Message != "no such thing" {
		t.Errorf("%+v", f)
	}
	write(`{"type":"request","id":4,"op":"ask","body":[]}`)
	if f := read(); f.Error == nil || f.Error.Reason != ReasonInvalid {
		t.Errorf("%+v", f)
	}
}

func TestEndsWithWhatIsNoProtocol(t *testing.T) {
	for name, it := range map[string]struct{ frame, wanted string }{
		"an answer that nobody waits for": {`{"type":"callbackResponse","id":9}`, "nobody asked"},
		"an unknown type":                 {`{"type":"other","id":1}`, "unexpected frame"},
		"no JSON":                         {`{"type":`, "no JSON"},
		"more than is read":               {strings.Repeat(" ", 1001), "over the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			write, _, ended := started(t, func(Ask, string, json.RawMessage) (any, error) { return nil, nil })
			go write(it.frame)
			if err := <-ended; err == nil || !strings.Contains(err.Error(), it.wanted) {
				t.Error(err)
			}
		})
	}
}
