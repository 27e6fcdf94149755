package main

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	message "weir/render/engine/source"
	"weir/render/engine/update"

	"github.com/Masterminds/sprig/v3"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// templateRequest asks to render the templates of an ImageUpdateAutomation for one set of
// changes.
type templateRequest struct {
	Templates  []namedTemplate   `json:"templates"`
	Automation automationName    `json:"automation"`
	Values     map[string]string `json:"values"`
	Files      []changedFile     `json:"files"`
	// Images is set for the texts of a pull request, whose templates can use it as well.
	Images *[]changedImage `json:"images"`
}

type namedTemplate struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type automationName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type changedFile struct {
	Path    string         `json:"path"`
	Changes []changedValue `json:"changes"`
}

type changedValue struct {
	Setter   string           `json:"setter"`
	OldValue string           `json:"oldValue"`
	NewValue string           `json:"newValue"`
	Object   changedValueHome `json:"object"`
}

type changedValueHome struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
}

type changedImage struct {
	Image  string `json:"image"`
	Old    string `json:"old"`
	New    string `json:"new"`
	Policy string `json:"policy"`
	Digest string `json:"digest"`
}

type templateAnswer struct {
	Texts []string `json:"texts"`
}

// Bounds of a request. A template that takes more memory than the engine has ends the
// engine, and with it only this request.
const (
	maxTemplates     = 200
	maxTemplateBytes = 64 << 10
	maxTextBytesMade = 256 << 10
	maxTemplateSteps = 200_000
	templateTime     = 2 * time.Second
)

const (
	reasonTemplate     = "TemplateFailed"
	reasonRemovedField = "RemovedTemplateField"
)

// makeTexts renders texts as image-automation-controller renders commit messages, with
// its messages if a template fails.
func makeTexts(r *templateRequest) (*templateAnswer, error) {
	if len(r.Templates) > maxTemplates {
		return nil, fail(reasonInvalid, fmt.Errorf("%d templates are too many: %d at most", len(r.Templates), maxTemplates))
	}
	data := dataOf(r)
	end := time.Now().Add(templateTime)
	answer := &templateAnswer{Texts: []string{}}
	for _, t := range r.Templates {
		text, err := makeText(t, data, end)
		if err != nil {
			return nil, err
		}
		answer.Texts = append(answer.Texts, text)
	}
	return answer, nil
}

func dataOf(r *templateRequest) any {
	data := message.TemplateData{
		AutomationObject: types.NamespacedName{Namespace: r.Automation.Namespace, Name: r.Automation.Name},
		Values:           r.Values,
	}
	for _, file := range r.Files {
		for _, c := range file.Changes {
			home := yaml.ResourceIdentifier{
				TypeMeta: yaml.TypeMeta{APIVersion: c.Object.APIVersion, Kind: c.Object.Kind},
				NameMeta: yaml.NameMeta{Name: c.Object.Name, Namespace: c.Object.Namespace},
			}
			change := update.Change{OldValue: c.OldValue, NewValue: c.NewValue, Setter: c.Setter}
			data.Changed.Add(file.Path, update.ObjectIdentifier{ResourceIdentifier: home}, change)
		}
	}
	if r.Images == nil {
		return data
	}
	images := make([]message.Image, 0, len(*r.Images))
	for _, image := range *r.Images {
		images = append(images, message.Image(image))
	}
	return message.PullRequestData{TemplateData: data, Images: images}
}

// makeText renders one text, and stops at the time end. options are those of
// text/template.
func makeText(t namedTemplate, data any, end time.Time, options ...string) (string, error) {
	if len(t.Text) > maxTemplateBytes {
		return "", fail(reasonTemplate, fmt.Errorf("unable to create %s template from spec: it has %d bytes, %d at most", t.Name, len(t.Text), maxTemplateBytes))
	}
	steps := &stepCounter{left: maxTemplateSteps, end: end}
	functions := sprig.HermeticTxtFuncMap()
	functions[stepFunction] = steps.step
	parsed, err := template.New(t.Name).Option(options...).Funcs(functions).Parse(t.Text)
	if err != nil {
		return "", fail(reasonTemplate, fmt.Errorf("unable to create %s template from spec: %w", t.Name, err))
	}
	for _, defined := range parsed.Templates() {
		if defined.Tree != nil {
			countSteps(defined.Root, true)
		}
	}
	out := &boundedText{}
	if err := parsed.Execute(out, data); err != nil {
		return "", templateFailure(err)
	}
	return out.String(), nil
}

// templateFailure names the fields that Flux had in earlier versions, as the spec has to
// be changed then.
func templateFailure(err error) error {
	for field, advice := range map[string]string{
		"Updated in type source.TemplateData":    "'.Updated' field. Please use '.Changed' instead",
		"Updated in type source.PullRequestData": "'.Updated' field. Please use '.Changed' instead",
		"ImageResult in type update.Result":      "'.Changed.ImageResult' field. Please use '.Changed.FileChanges' or '.Changed.Objects' instead",
	} {
		if strings.Contains(err.Error(), "can't evaluate field "+field) {
			const see = "https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template"
			return fail(reasonRemovedField, fmt.Errorf("template uses removed %s. See: %s", advice, see))
		}
	}
	return fail(reasonTemplate, fmt.Errorf("failed to run template from spec: %w", err))
}

// boundedText collects a text while it is rendered, up to a bound.
type boundedText struct {
	strings.Builder
}

func (b *boundedText) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxTextBytesMade {
		return 0, fmt.Errorf("the text is longer than %d bytes", maxTextBytesMade)
	}
	return b.Builder.Write(p)
}

// stepFunction is called at the start of each round of a loop, and of each template that
// another one calls: nothing else in a template takes long by itself.
const stepFunction = "weirStep"

type stepCounter struct {
	left int
	end  time.Time
}

func (s *stepCounter) step() (string, error) {
	s.left--
	if s.left < 0 {
		return "", fmt.Errorf("the template takes more than %d steps", maxTemplateSteps)
	}
	if time.Now().After(s.end) {
		return "", errors.New("the template takes longer than " + templateTime.String())
	}
	return "", nil
}

// countSteps adds a call of stepFunction to a list of nodes that is the body of a loop or
// a whole template, and does the same in the lists within it.
func countSteps(list *parse.ListNode, isRound bool) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode:
			countSteps(n.List, true)
			countSteps(n.ElseList, false)
		case *parse.IfNode:
			countSteps(n.List, false)
			countSteps(n.ElseList, false)
		case *parse.WithNode:
			countSteps(n.List, false)
			countSteps(n.ElseList, false)
		}
	}
	if isRound {
		list.Nodes = append([]parse.Node{stepNode()}, list.Nodes...)
	}
}

// stepNode returns the parsed form of `{{ weirStep }}`.
func stepNode() parse.Node {
	functions := map[string]any{stepFunction: func() string { return "" }}
	trees, err := parse.Parse("step", "{{ "+stepFunction+" }}", "", "", functions)
	if err != nil {
		panic(err) // the text is a constant
	}
	return trees["step"].Root.Nodes[0]
}
