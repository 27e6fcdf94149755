package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"weir/render/wire"
)

// failure is an error with a reason, which a user will see in a condition or on which the
// pool acts. Reasons from the Flux APIs are ArtifactFailed, BuildFailed and
// ReconciliationFailed.
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

// wireError is an error in the form that an answer has.
type wireError = wire.Problem

func toWire(err error) *wireError {
	reason := reasonInternal
	var f *failure
	if errors.As(err, &f) {
		reason = f.reason
	}
	return &wireError{Reason: reason, Message: messageOf(err)}
}

// messageOf returns the text of an error for an answer.
func messageOf(err error) string {
	return strings.TrimSpace(repeatable(relative(wire.Shorten(err.Error()))))
}

// addresses matches memory addresses in values that Kustomize prints as a whole.
var addresses = regexp.MustCompile(`(&\{)(?:0x[0-9a-f]{8,16}\b ?)+`)

// repeatable removes from a message what differs from one run to the next: the same
// failure must have the same message, or it would be reported again and again.
func repeatable(message string) string {
	message = addresses.ReplaceAllString(message, "$1")
	// The JSON library chooses between two wordings at random, so that no program relies
	// on one.
	return strings.ReplaceAll(message, "json: unable to ", "json: cannot ")
}

// relative makes the paths in a message relative to the artifact's root.
func relative(message string) string {
	message = strings.ReplaceAll(message, mount+"/", "")
	return strings.ReplaceAll(message, mount, ".")
}

// recovered runs code that may panic on bad input, as Kustomize's does, and turns the
// panic into an error.
func recovered(what string, run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered from %s: %v", what, r)
		}
	}()
	return run()
}
