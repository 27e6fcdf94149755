package wire

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Ask sends a callback to the service and decodes its answer. It waits as long as that
// takes, because the service ends this process when its time is over. If the service
// refuses, the error is a *Problem.
type Ask func(op string, body, answer any) error

// Handler answers one request. It may run several times at once, as often as the service
// sends requests. An error that is no *Problem is answered as ReasonInternal.
type Handler func(ask Ask, op string, body json.RawMessage) (any, error)

// Server answers requests until its input ends, as it does when the service ends.
type Server struct {
	// MaxFrame bounds a frame that is read, in bytes.
	MaxFrame uint32
	// MaxAnswer bounds an answer that is written, in bytes; 0 means no limit.
	MaxAnswer int
	Handle    Handler
	// Problem converts an error to an answer. Without it, a *Problem is answered as it
	// is, and any other error as ReasonInternal.
	Problem func(error) *Problem

	out     io.Writer
	writing sync.Mutex
	asking  sync.Mutex
	asked   uint64
	waiting map[uint64]chan *incoming
}

// Serve returns nil when the input has ended between two frames. When nobody can be
// answered any more it returns at once. It never returns while both pipes work.
func (s *Server) Serve(in io.Reader, out io.Writer) error {
	s.out, s.waiting = out, map[uint64]chan *incoming{}
	ended := make(chan error, 1)
	end := func(err error) {
		select {
		case ended <- err:
		default: // It ends already.
		}
	}
	go func() { end(s.read(bufio.NewReaderSize(in, 1<<16), end)) }()
	return <-ended
}

func (s *Server) read(in *bufio.Reader, end func(error)) error {
	for {
		frame, err := readFrame(in, s.MaxFrame)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch frame.Type {
		case typeRequest:
			go func() {
				err := s.write(s.answer(frame))
				if errors.Is(err, ErrTooLarge) {
					err = s.write(s.failed(frame, err))
				}
				if err != nil {
					end(err)
				}
			}()
		case typeCallbackResponse:
			if !s.wake(frame) {
				return fmt.Errorf("nobody asked for callback %d", frame.ID)
			}
		default:
			return fmt.Errorf("unexpected frame of type %q", frame.Type)
		}
	}
}

// answer never panics: a panic of a library on hostile input becomes an error.
func (s *Server) answer(request *incoming) (response *outgoing) {
	defer func() {
		if cause := recover(); cause != nil {
			response = s.failed(request, fmt.Errorf("recovered from panic: %v", cause))
		}
	}()
	ask := func(op string, body, answer any) error { return s.ask(request.ID, op, body, answer) }
	body, err := s.Handle(ask, request.Op, request.Body)
	if err != nil {
		return s.failed(request, err)
	}
	return &outgoing{Type: typeResponse, ID: request.ID, Body: body}
}

func (s *Server) failed(request *incoming, err error) *outgoing {
	problem := s.Problem
	if problem == nil {
		problem = problemOf
	}
	answer := problem(err)
	return &outgoing{Type: typeResponse, ID: request.ID, Error: &Problem{answer.Reason, Shorten(answer.Message)}}
}

func problemOf(err error) *Problem {
	var problem *Problem
	if errors.As(err, &problem) {
		return &Problem{problem.Reason, err.Error()}
	}
	return &Problem{ReasonInternal, err.Error()}
}

func (s *Server) ask(request uint64, op string, body, answer any) error {
	response := make(chan *incoming, 1)
	s.asking.Lock()
	s.asked++
	id := s.asked
	s.waiting[id] = response
	s.asking.Unlock()
	if err := s.write(&outgoing{Type: typeCallback, ID: id, Request: request, Op: op, Body: body}); err != nil {
		return err
	}
	frame := <-response
	if frame.Error != nil {
		return frame.Error
	}
	return json.Unmarshal(frame.Body, answer)
}

func (s *Server) wake(frame *incoming) bool {
	s.asking.Lock()
	defer s.asking.Unlock()
	response, found := s.waiting[frame.ID]
	delete(s.waiting, frame.ID)
	if found {
		response <- frame
	}
	return found
}

func (s *Server) write(frame *outgoing) error {
	data, err := encodeFrame(frame, s.MaxAnswer)
	if err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err = s.out.Write(data)
	return err
}

// Invalid marks a request that can't be answered because of what its user wrote.
func Invalid(err error) error { return &Problem{ReasonInvalid, err.Error()} }

// Decoded decodes the body of a request and runs an operation on it.
func Decoded[Request, Answer any](body json.RawMessage, run func(*Request) (Answer, error)) (any, error) {
	request := new(Request)
	if err := json.Unmarshal(body, request); err != nil {
		return nil, Invalid(err)
	}
	return run(request)
}
