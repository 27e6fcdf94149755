// Package wire is how Weir's Go programs speak with the service that started them: over
// their standard input and output, in frames. A frame is a length (4 bytes, big endian)
// and as many bytes of JSON.
//
// The service sends a `request`, which is answered by a `response` of the same id. While
// a request is answered, the program may ask the service for something with a `callback`,
// which names the request, has an id of its own, and gets a `callbackResponse`. Responses
// come in the order in which they are ready.
package wire

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Problem is why there is no answer, as a frame carries it.
type Problem struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func (p *Problem) Error() string { return p.Message }

// maxMessage is what a condition takes of a message, in bytes.
const maxMessage = 32 << 10

// Plain gives the message of an error the same words in every build. Protocol Buffers writes
// one of its spaces as a no-break space in about half of all builds, so that nobody compares
// its messages. Conditions are compared: one that changes by the replica is an event each time.
func Plain(message string) string {
	return strings.ReplaceAll(message, "\u00a0", " ")
}

// Shorten makes a message plain, and cuts it to what anybody will see of it. Libraries quote
// what they can't read, again and again: some kilobytes of input have come to megabytes of a
// message. The end stays too, because a chain of errors has its cause there.
func Shorten(message string) string {
	message = Plain(message)
	if len(message) <= maxMessage {
		return message
	}
	const between = " ... "
	const end = maxMessage / 4
	start := maxMessage - end - len(between)
	head, tail := message[:start], message[len(message)-end:]
	return strings.ToValidUTF8(head, "") + between + strings.ToValidUTF8(tail, "")
}

// The reasons that every program gives.
const (
	ReasonInvalid  = "InvalidRequest"
	ReasonInternal = "InternalError"
)

const (
	typeRequest          = "request"
	typeResponse         = "response"
	typeCallback         = "callback"
	typeCallbackResponse = "callbackResponse"
)

type incoming struct {
	Type  string          `json:"type"`
	ID    uint64          `json:"id"`
	Op    string          `json:"op"`
	Body  json.RawMessage `json:"body"`
	Error *Problem        `json:"error"`
}

type outgoing struct {
	Type string `json:"type"`
	ID   uint64 `json:"id"`
	// Request is the one on whose behalf a callback is.
	Request uint64   `json:"request,omitempty"`
	Op      string   `json:"op,omitempty"`
	Body    any      `json:"body,omitempty"`
	Error   *Problem `json:"error,omitempty"`
}

// readFrame returns io.EOF when the service has closed the pipe between two frames.
func readFrame(in *bufio.Reader, max uint32) (*incoming, error) {
	var header [4]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if size > max {
		return nil, fmt.Errorf("a frame of %d bytes is over the limit of %d", size, max)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, fmt.Errorf("a frame is cut off: %w", err)
	}
	frame := new(incoming)
	if err := json.Unmarshal(data, frame); err != nil {
		return nil, fmt.Errorf("a frame is no JSON: %w", err)
	}
	return frame, nil
}

// ErrTooLarge is an answer over the limit; nothing of it has been written.
var ErrTooLarge = errors.New("the answer is too large")

// encodeFrame returns a frame as it goes over the pipe; 0 is no limit.
func encodeFrame(frame *outgoing, max int) ([]byte, error) {
	body, err := json.Marshal(frame)
	if err != nil {
		return nil, err
	}
	if max > 0 && len(body) > max {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d: split it up", ErrTooLarge, len(body), max)
	}
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	return append(data, body...), nil
}
