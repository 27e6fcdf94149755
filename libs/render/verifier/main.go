// Command verifier says whether artifacts are signed as they have to be. It never touches
// the network: whatever a verification needs comes with its request (see ../wire).
package main

import (
	"encoding/json"
	"fmt"

	"weir/render/wire"
)

// maxFrame bounds a frame, in bytes. A request carries one signature.
const maxFrame = 16 << 20

func main() { wire.Main("verifier", maxFrame, handle) }

// handle answers a request. A signature that isn't good is an answer, and no error.
func handle(_ wire.Ask, op string, body json.RawMessage) (any, error) {
	switch op {
	case "notation":
		return wire.Decoded(body, verifyNotation)
	case "keyless":
		return wire.Decoded(body, verifyKeyless)
	}
	return nil, wire.Invalid(fmt.Errorf("unknown operation %q", op))
}
