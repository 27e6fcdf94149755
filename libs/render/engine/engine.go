package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// engine answers requests as they come, all at the same time: how many that are is
// the pool's to limit.
type engine struct {
	writing     sync.Mutex
	artifacts   *artifacts
	expressions *expressions
	patterns    *patterns
	charts      *charts
	renders     *memo[*renderResult]
	callbacks   callbacks
	memory      memoryLimit
}

// serve answers requests from in until it ends, which it does with the parent.
// It returns at once when there is nobody left to answer.
func (e *engine) serve(in io.Reader, out io.Writer) error {
	ended := make(chan error, 1)
	end := func(err error) {
		select {
		case ended <- err:
		default: // it ends already
		}
	}
	go func() {
		end(e.readFrames(in, func(f *frame) {
			if err := e.answer(f, out); err != nil {
				end(err)
			}
		}))
	}()
	return <-ended
}

func (e *engine) readFrames(in io.Reader, answer func(*frame)) error {
	reader := bufio.NewReaderSize(in, 1<<16)
	for {
		f, err := readFrame(reader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch f.Type {
		case "request":
			go answer(f)
		case "callbackResponse":
			if waiting := e.callbacks.take(f.ID); waiting != nil {
				waiting <- f
			}
		default:
			return fmt.Errorf("unexpected frame of type %q", f.Type)
		}
	}
}

func (e *engine) answer(f *frame, out io.Writer) error {
	stop := e.memory.watch()
	defer stop()
	r := &response{Type: "response", ID: f.ID}
	err := recovered("engine panic", func() error {
		body, err := e.handle(f.Op, f.Body, e.asker(f.ID, out))
		r.Body = body
		return err
	})
	if err != nil {
		r.Body, r.Error = nil, toWire(err)
	}
	data, err := encodeFrame(r)
	if errors.Is(err, errTooLarge) {
		data, err = encodeFrame(&response{Type: r.Type, ID: r.ID, Error: toWire(fail(reasonBuild, err))})
	}
	if err != nil {
		return err
	}
	return e.write(out, data)
}

func (e *engine) write(out io.Writer, data []byte) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	_, err := out.Write(data)
	return err
}

func (e *engine) handle(op string, body json.RawMessage, ask asker) (any, error) {
	switch op {
	case "load":
		return decoded(body, e.load)
	case "build":
		return decoded(body, func(r *buildRequest) (*buildAnswer, error) { return e.build(r, ask) })
	case "ignore":
		return decoded(body, ignore)
	case "semver":
		return decoded(body, matchVersions)
	case "status":
		return decoded(body, e.expressions.statuses)
	case "cel":
		return decoded(body, e.expressions.evaluate)
	case "exempt":
		return decoded(body, exempt)
	case "match":
		return decoded(body, e.patterns.match)
	case "tags.exclude":
		return decoded(body, e.patterns.excludeTags)
	case "tags.latest":
		return decoded(body, e.patterns.latestTag)
	case "chart.index":
		return decoded(body, indexCharts)
	case "chart.version":
		return decoded(body, chartVersion)
	case "chart.inspect":
		return decoded(body, inspectChart)
	case "chart.repack":
		return decoded(body, repackChart)
	case "chart.source":
		return decoded(body, e.inspectSource)
	case "chart.pack":
		return decoded(body, e.packSource)
	case "helm.values":
		return decoded(body, e.helmValues)
	case "helm.chart":
		return decoded(body, e.helmChart)
	case "helm.crds":
		return decoded(body, e.helmCRDs)
	case "helm.render":
		return decoded(body, func(r *helmRenderRequest) (*helmRenderAnswer, error) { return e.helmRender(r, ask) })
	case "helm.decode":
		return decoded(body, helmDecode)
	case "helm.update":
		return decoded(body, helmUpdate)
	case "crd.compare":
		return decoded(body, compareCRDs)
	case "helm.merge":
		return decoded(body, helmMerge)
	case "template":
		return decoded(body, makeTexts)
	case "sign":
		return decoded(body, signOpenPGP)
	case "version":
		return version(), nil
	}
	return nil, fail(reasonInvalid, fmt.Errorf("unknown operation %q", op))
}

func decoded[Request, Answer any](body json.RawMessage, run func(*Request) (Answer, error)) (any, error) {
	request := new(Request)
	if err := json.Unmarshal(body, request); err != nil {
		return nil, fail(reasonInvalid, err)
	}
	return run(request)
}

type loadRequest struct {
	Digest string `json:"digest"`
	File   string `json:"file"`
}

type loadAnswer struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// load brings an artifact into memory ahead of its builds.
func (e *engine) load(r *loadRequest) (*loadAnswer, error) {
	t, err := e.artifacts.load(r.Digest, r.File)
	if err != nil {
		return nil, err
	}
	return &loadAnswer{Files: len(t.files), Bytes: t.size}, nil
}
