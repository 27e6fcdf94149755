// Package source holds what a message template of an ImageUpdateAutomation is given.
// The package and its first type have the names that they have in Flux, since a message
// about a template that fails names them.
package source

import (
	"weir/render/engine/update"

	"k8s.io/apimachinery/pkg/types"
)

// TemplateData is what a commit message is made from.
type TemplateData struct {
	AutomationObject types.NamespacedName
	Changed          update.Result
	Values           map[string]string
}

// Image is a row of the table in a pull request.
type Image struct {
	Image  string
	Old    string
	New    string
	Policy string
	Digest string
}

// PullRequestData is what the texts of a pull request are made from.
type PullRequestData struct {
	TemplateData
	Images []Image
}
