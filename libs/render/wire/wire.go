// Package wire implements how Weir's Go programs communicate with the service that
// started them: in frames, over standard input and output. A frame is a length (4 bytes,
// big endian) and as many bytes of JSON.
//
// The service sends a `request`, which is answered by a `response` with the same id.
// While the program works on a request it may ask the service for something by a
// `callback`, which names the request, has an id of its own, and is answered by a
// `callbackResponse`. Responses are sent in the order in which they are ready.
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

// Problem is the reason why there is no answer, as it is in a frame.
type Problem struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func (p *Problem) Error() string { return p.Message }

// maxMessage is the length of a message that a condition can have, in bytes.
const maxMessage = 32 << 10

// Plain makes the message of an error the same in every build. Protocol Buffers writes
// one of its spaces as a no-break space in about half of all builds, so that no program
// compares its messages. But conditions are compared: a message that differs between
// replicas would be an event each time.
func Plain(message string) string {
	return strings.ReplaceAll(message, "\u00a0", " ")
}

// Shorten makes a message plain, and shortens it to what people will see of it. Libraries
// quote what they can't read, sometimes repeatedly: some kilobytes of input have led to a
// message of megabytes. The end is kept too, because it has the cause in a chain of
// errors.
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

// The reasons that all programs use.
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
	// Request is the id of the request that a callback belongs to.
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

// ErrTooLarge is the error for an answer over the limit, of which nothing was written.
var ErrTooLarge = errors.New("the answer is too large")

// encodeFrame returns a frame as it is sent over the pipe. A max of 0 means no limit.
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
