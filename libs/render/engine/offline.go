package main

import (
	"fmt"
	"net/http"
	"os"
)

// noRemote is the message when a build wants to fetch something.
const noRemote = "remote resources are not allowed"

// refuser answers every HTTP request with an error that names the URL.
type refuser struct{}

func (refuser) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%s: %s", noRemote, r.URL.Redacted())
}

// goOffline makes sure that nothing in this process uses the network or runs another
// program: Kustomize fetches files with a plain http.Client and repositories with the git
// in PATH.
func goOffline() {
	http.DefaultTransport = refuser{}
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "KUSTOMIZE_PLUGIN_HOME"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
}
