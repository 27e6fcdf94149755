// Command verifier checks signatures of artifacts. It never uses the network: everything
// that a verification needs comes with the request (see ../wire).
package main

import (
	"encoding/json"
	"fmt"

	"weir/render/wire"
)

// maxFrame bounds a frame, in bytes. A request has one signature.
const maxFrame = 16 << 20

func main() { wire.Main("verifier", maxFrame, handle) }

// handle answers a request. That a signature isn't valid is an answer and not an error.
func handle(_ wire.Ask, op string, body json.RawMessage) (any, error) {
	switch op {
	case "notation":
		return wire.Decoded(body, verifyNotation)
	case "keyless":
		return wire.Decoded(body, verifyKeyless)
	}
	return nil, wire.Invalid(fmt.Errorf("unknown operation %q", op))
}
