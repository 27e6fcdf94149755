package main

import (
	"fmt"
	"regexp/syntax"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// identity is an item of spec.verify.matchOIDCIdentity: regular expressions (RE2) that
// aren't anchored.
type identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

const (
	maxPatternBytes        = 1 << 10
	maxPatternInstructions = 4 << 10
	// matchesAll replaces an empty pattern, which as in Flux limits nothing.
	matchesAll = ".*"
)

func (i identity) compile() (verify.CertificateIdentity, error) {
	issuer, err := checkedPattern("issuer", i.Issuer)
	if err != nil {
		return verify.CertificateIdentity{}, err
	}
	subject, err := checkedPattern("subject", i.Subject)
	if err != nil {
		return verify.CertificateIdentity{}, err
	}
	issuers, err := verify.NewIssuerMatcher("", issuer)
	if err != nil {
		return verify.CertificateIdentity{}, fmt.Errorf("malformed issuer in identity: %w", err)
	}
	subjects, err := verify.NewSANMatcher("", subject)
	if err != nil {
		return verify.CertificateIdentity{}, fmt.Errorf("malformed subject in identity: %w", err)
	}
	return verify.NewCertificateIdentity(subjects, issuers, certificate.Extensions{})
}

// checkedPattern bounds what a pattern costs: the time for a match is the length of the
// text times the number of instructions, and x{1000} has a thousand of them.
func checkedPattern(field, pattern string) (string, error) {
	if pattern == "" {
		return matchesAll, nil
	}
	if len(pattern) > maxPatternBytes {
		return "", fmt.Errorf("%s in identity has %d bytes: %d at most", field, len(pattern), maxPatternBytes)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("malformed %s in identity: %w", field, err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return "", fmt.Errorf("malformed %s in identity: %w", field, err)
	}
	if len(program.Inst) > maxPatternInstructions {
		return "", fmt.Errorf("%s in identity repeats too much: it compiles to more than %d instructions", field, maxPatternInstructions)
	}
	return pattern, nil
}
