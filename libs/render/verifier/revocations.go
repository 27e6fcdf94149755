package main

import (
	"context"
	"fmt"

	"github.com/notaryproject/notation-core-go/revocation/crl"
)

// noRevocations provides lists of revoked certificates, and has none.
type noRevocations struct{}

func (noRevocations) Fetch(_ context.Context, url string) (*crl.Bundle, error) {
	return nil, fmt.Errorf("nothing is fetched during a verification: %s", url)
}
