// Command decryptor gives the plain text of what SOPS encrypted, by SOPS' own library. It
// serves one build: it is given that build's keys first, then decrypts what the build
// comes across, and ends. It touches no network: what a key management service has to
// unwrap is a callback to the service that started it (see ../wire).
package main

import (
	"encoding/json"
	"fmt"

	"github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"

	"weir/render/wire"
)

// maxFrame bounds a frame, in bytes: a file of 5 MiB in base64, and the rest.
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
