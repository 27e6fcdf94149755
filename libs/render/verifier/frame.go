package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A frame is a length (4 bytes, big endian) and as many bytes of JSON, as the
// render engine's are (../engine/frame.go): the same pool speaks to both.

// maxRequest bounds a frame, in bytes. A request carries one signature.
const maxRequest = 16 << 20

type request struct {
	Type string          `json:"type"`
	ID   uint64          `json:"id"`
	Op   string          `json:"op"`
	Body json.RawMessage `json:"body"`
}

type answer struct {
	Type  string   `json:"type"`
	ID    uint64   `json:"id"`
	Body  any      `json:"body,omitempty"`
	Error *problem `json:"error,omitempty"`
}

// problem is why there is no answer. A signature that isn't good is an answer.
type problem struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

const (
	reasonInvalid  = "InvalidRequest"
	reasonInternal = "InternalError"
)

// invalidError is a request that can't be answered because of what its user wrote.
type invalidError struct{ error }

func invalid(err error) error { return invalidError{err} }

func problemOf(err error) *problem {
	var wrong invalidError
	if errors.As(err, &wrong) {
		return &problem{reasonInvalid, err.Error()}
	}
	return &problem{reasonInternal, err.Error()}
}

// readRequest returns io.EOF when the parent has closed the pipe between frames.
func readRequest(in *bufio.Reader) (*request, error) {
	var header [4]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(header[:])
	if size > maxRequest {
		return nil, fmt.Errorf("a frame of %d bytes is over the limit of %d", size, maxRequest)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, fmt.Errorf("a frame is cut off: %w", err)
	}
	r := new(request)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("a frame is no JSON: %w", err)
	}
	if r.Type != "request" {
		return nil, fmt.Errorf("unexpected frame of type %q", r.Type)
	}
	return r, nil
}

func writeAnswer(out io.Writer, a *answer) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err = out.Write(append(data, body...))
	return err
}
