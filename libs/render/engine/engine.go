package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"weir/render/wire"
)

// maxRequest and maxAnswer bound frames, in bytes. An answer is held by a service that
// does other things too, so its bound is well below the size of a service's heap.
const (
	maxRequest = 256 << 20
	maxAnswer  = 64 << 20
)

// engine answers requests at once, any number at the same time: the pool limits their
// number.
type engine struct {
	artifacts   *artifacts
	expressions *expressions
	patterns    *patterns
	charts      *charts
	renders     *memo[*renderResult]
	hooked      *memo[*hookedRelease]
	memory      memoryLimit
}

// serve answers requests from in until in ends, as it does when the parent process ends.
func (e *engine) serve(in io.Reader, out io.Writer) error {
	server := wire.Server{MaxFrame: maxRequest, MaxAnswer: maxAnswer, Problem: toProblem}
	server.Handle = func(ask wire.Ask, op string, body json.RawMessage) (any, error) {
		stop := e.memory.watch()
		defer stop()
		return e.handle(op, body, askerOf(ask))
	}
	return server.Serve(in, out)
}

// toProblem converts an error to the form in which it is answered.
func toProblem(err error) *wire.Problem {
	if errors.Is(err, wire.ErrTooLarge) {
		err = fail(reasonBuild, err)
	}
	return toWire(err)
}

// asker asks the service for something that the engine can't reach, on behalf of a
// request, and waits for the answer.
type asker func(op string, body any) (json.RawMessage, error)

func askerOf(ask wire.Ask) asker {
	return func(op string, body any) (json.RawMessage, error) {
		var answer json.RawMessage
		err := ask(op, body, &answer)
		return answer, err
	}
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
		return decoded(body, e.helmUpdate)
	case "crd.compare":
		return decoded(body, compareCRDs)
	case "helm.merge":
		return decoded(body, helmMerge)
	case "template":
		return decoded(body, makeTexts)
	case "template.alert":
		return decoded(body, makeAlertTexts)
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
