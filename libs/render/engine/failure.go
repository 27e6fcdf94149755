package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"weir/render/wire"
)

// failure is an error with the reason that a user will see in a condition, or
// that the pool acts on. Reasons from the Flux APIs are ArtifactFailed,
// BuildFailed and ReconciliationFailed.
type failure struct {
	reason string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(reason string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{reason, err}
}

const (
	reasonArtifact  = "ArtifactFailed"
	reasonBuild     = "BuildFailed"
	reasonReconcile = "ReconciliationFailed"
	reasonInvalid   = wire.ReasonInvalid
	reasonInternal  = wire.ReasonInternal
)

// wireError is an error as an answer carries it.
type wireError = wire.Problem

func toWire(err error) *wireError {
	reason := reasonInternal
	var f *failure
	if errors.As(err, &f) {
		reason = f.reason
	}
	return &wireError{Reason: reason, Message: messageOf(err)}
}

// messageOf is what an answer says of an error.
func messageOf(err error) string {
	return strings.TrimSpace(repeatable(relative(wire.Shorten(err.Error()))))
}

// addresses are those of memory, in values that Kustomize prints whole.
var addresses = regexp.MustCompile(`(&\{)(?:0x[0-9a-f]{8,16}\b ?)+`)

// repeatable takes out of a message what differs from one run to the next: the
// same failure has to read the same, or it would be reported again and again.
func repeatable(message string) string {
	message = addresses.ReplaceAllString(message, "$1")
	// The JSON library chooses between two wordings at random, so that nobody relies on one.
	return strings.ReplaceAll(message, "json: unable to ", "json: cannot ")
}

// relative turns the paths of a message into ones below the artifact's root.
func relative(message string) string {
	message = strings.ReplaceAll(message, mount+"/", "")
	return strings.ReplaceAll(message, mount, ".")
}

// recovered runs what may panic on bad input, as Kustomize does, and turns the
// panic into an error that says what it was.
func recovered(what string, run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered from %s: %v", what, r)
		}
	}()
	return run()
}
