package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A frame is a length (4 bytes, big endian) and as many bytes of JSON. The
// types are `request` (TypeScript to engine), `response` (its answer, with the
// same id), and, for when a request needs something from outside, `callback`
// (engine to TypeScript, with an id of its own) and `callbackResponse` (callback.go).
// Answers come in the order in which they are ready.
type frame struct {
	Type  string          `json:"type"`
	ID    uint64          `json:"id"`
	Op    string          `json:"op,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
	Error *wireError      `json:"error,omitempty"`
}

// response has its body encoded together with the frame, once.
type response struct {
	Type  string     `json:"type"`
	ID    uint64     `json:"id"`
	Body  any        `json:"body,omitempty"`
	Error *wireError `json:"error,omitempty"`
}

// maxRequest and maxAnswer bound frames, in bytes. What is answered is held by a
// service that does other things too, so it is kept well below what a heap takes.
const (
	maxRequest = 256 << 20
	maxAnswer  = 64 << 20
)

// readFrame returns io.EOF when the parent has closed the pipe between frames.
func readFrame(in *bufio.Reader) (*frame, error) {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(length[:])
	if size > maxRequest {
		return nil, fmt.Errorf("frame of %d bytes is over the limit of %d", size, maxRequest)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, err
	}
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("frame is not JSON: %w", err)
	}
	return &f, nil
}

// errTooLarge is an answer over the limit; nothing of it has been written.
var errTooLarge = errors.New("the answer is too large")

// encodeFrame returns a frame as it goes over the pipe.
func encodeFrame(r any) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d: split it up", errTooLarge, len(body), maxAnswer)
	}
	data := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(data, uint32(len(body)))
	return append(data, body...), nil
}
