package main

import (
	"encoding/json"
	"errors"
	"io"
	"sync"
)

// asker asks TypeScript for something from outside on behalf of a request, and waits
// for the answer.
type asker func(op string, body any) (json.RawMessage, error)

// callback is how a frame of that type is written. Request is the one on whose behalf
// it is.
type callback struct {
	Type    string `json:"type"`
	ID      uint64 `json:"id"`
	Request uint64 `json:"request"`
	Op      string `json:"op"`
	Body    any    `json:"body"`
}

// callbacks are those that wait for an answer.
type callbacks struct {
	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan *frame
}

// asker returns what asks on behalf of a request.
func (e *engine) asker(request uint64, out io.Writer) asker {
	return func(op string, body any) (json.RawMessage, error) {
		id, answered := e.callbacks.open()
		data, err := encodeFrame(&callback{"callback", id, request, op, body})
		if err == nil {
			err = e.write(out, data)
		}
		if err != nil {
			e.callbacks.take(id)
			return nil, err
		}
		f := <-answered
		if f.Error != nil {
			return nil, errors.New(f.Error.Message)
		}
		return f.Body, nil
	}
}

func (c *callbacks) open() (uint64, <-chan *frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[uint64]chan *frame{}
	}
	c.next++
	answered := make(chan *frame, 1)
	c.waiting[c.next] = answered
	return c.next, answered
}

// take returns who waits for an answer, once.
func (c *callbacks) take(id uint64) chan<- *frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	answered := c.waiting[id]
	delete(c.waiting, id)
	return answered
}
