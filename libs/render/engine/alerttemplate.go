package main

import (
	"fmt"
	"time"
)

// alertTemplateRequest asks to render the templates of an Alert for one event.
type alertTemplateRequest struct {
	Templates []namedTemplate `json:"templates"`
	Data      alertValues     `json:"data"`
}

// alertValues is the data that a template of an Alert can use. A field that doesn't exist
// is an error; a map's key that doesn't exist gives the empty text.
type alertValues struct {
	Event  alertEvent  `json:"event"`
	Object alertObject `json:"object"`
	Commit alertCommit `json:"commit"`
	Alert  alertName   `json:"alert"`
	Group  alertGroup  `json:"group"`
}

type alertEvent struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	UID        string            `json:"uid"`
	Severity   string            `json:"severity"`
	Reason     string            `json:"reason"`
	Message    string            `json:"message"`
	Timestamp  string            `json:"timestamp"`
	Controller string            `json:"controller"`
	Metadata   map[string]string `json:"metadata"`
}

type alertObject struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type alertCommit struct {
	Revision string `json:"revision"`
	SHA      string `json:"sha"`
	Subject  string `json:"subject"`
	Author   string `json:"author"`
}

type alertName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// alertGroup describes the group of like failures that a message is about. Its state is
// "failing", "over", or empty for a message about one event.
type alertGroup struct {
	State string   `json:"state"`
	Count int      `json:"count"`
	Names []string `json:"names"`
	Since string   `json:"since"`
}

// maxAlertTemplates bounds a request: a title and a body.
const maxAlertTemplates = 2

// makeAlertTexts renders the texts within the bounds of makeText; its time limit holds
// for all of them together.
func makeAlertTexts(r *alertTemplateRequest) (*templateAnswer, error) {
	if len(r.Templates) > maxAlertTemplates {
		return nil, fail(reasonInvalid, fmt.Errorf("%d templates are too many: %d at most", len(r.Templates), maxAlertTemplates))
	}
	end := time.Now().Add(templateTime)
	answer := &templateAnswer{Texts: []string{}}
	for _, t := range r.Templates {
		text, err := makeText(t, r.Data, end, "missingkey=zero")
		if err != nil {
			return nil, err
		}
		answer.Texts = append(answer.Texts, text)
	}
	return answer, nil
}
