// Command decryptor decrypts what SOPS encrypted, with SOPS' own library. It serves one
// build: it is given the build's keys first, decrypts what the build reads, and ends. It
// uses no network: for a data key that a key management service has to unwrap, it calls
// back the service that started it (see ../wire).
package main

import (
	"encoding/json"
	"fmt"

	"github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"

	"weir/render/wire"
)

// maxFrame bounds a frame, in bytes: a file of 5 MiB in base64, with its other fields.
const maxFrame = 16 << 20

func main() {
	// SOPS logs which keys it tries.
	logging.SetLevel(logrus.PanicLevel)
	d := new(decryptor)
	wire.Main("decryptor", maxFrame, d.handle)
}

func (d *decryptor) handle(ask wire.Ask, op string, body json.RawMessage) (any, error) {
	switch op {
	case "keys":
		return wire.Decoded(body, d.importKeys)
	case "decrypt":
		return wire.Decoded(body, func(r *decryptRequest) (*decryptAnswer, error) {
			return d.decrypt(ask, r)
		})
	}
	return nil, wire.Invalid(fmt.Errorf("unknown operation %q", op))
}
