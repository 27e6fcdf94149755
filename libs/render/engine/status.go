package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

type statusRequest struct {
	Objects []liveObject `json:"objects"`
	// Checks is spec.healthCheckExprs: expressions for kinds whose health kstatus can't
	// know.
	Checks []kustomize.CustomHealthCheck `json:"checks"`
}

// liveObject decodes as the clients of Kubernetes do: whole numbers are int64, which
// kstatus needs.
type liveObject map[string]any

func (o *liveObject) UnmarshalJSON(data []byte) error {
	return utiljson.Unmarshal(data, (*map[string]any)(o))
}

type statusAnswer struct {
	Statuses []objectStatus `json:"statuses"`
}

type objectStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// maxObjects bounds the objects of one request.
const maxObjects = 10_000

// statuses computes the health of live objects with kstatus, as Flux does. A status that
// can't be computed is Unknown, with the error as its message. Checks that don't compile
// fail the request, even without objects.
func (e *expressions) statuses(r *statusRequest) (*statusAnswer, error) {
	if len(r.Objects) > maxObjects {
		return nil, fail(reasonInvalid, fmt.Errorf("%d objects are too many: %d at most", len(r.Objects), maxObjects))
	}
	checks, err := e.checks(r.Checks)
	if err != nil {
		return nil, fail(reasonExpression, err)
	}
	answer := &statusAnswer{Statuses: make([]objectStatus, len(r.Objects))}
	for i, object := range r.Objects {
		answer.Statuses[i] = e.computeStatus(&unstructured.Unstructured{Object: object}, checks)
	}
	return answer, nil
}

// checks compiles expressions. Without any it returns a reader that supports no kind.
func (e *expressions) checks(checks []kustomize.CustomHealthCheck) (*cel.StatusReader, error) {
	key, err := json.Marshal(checks)
	if err != nil {
		return nil, err
	}
	if len(checks) > maxChecks || len(key) > maxCheckBytes {
		return nil, fmt.Errorf("%d healthchecks of %d bytes are too many: %d of %d bytes at most", len(checks), len(key), maxChecks, maxCheckBytes)
	}
	for _, check := range checks {
		if err := checkLength(check.Current, check.InProgress, check.Failed); err != nil {
			return nil, err
		}
	}
	return e.readers.get(string(key), func() (*cel.StatusReader, error) {
		create, err := cel.NewStatusReader(checks)
		if err != nil {
			return nil, err
		}
		// The mapper serves reading from a cluster, but these objects come with the
		// request.
		return create(nil).(*cel.StatusReader), nil
	})
}

func (e *expressions) computeStatus(object *unstructured.Unstructured, checks *cel.StatusReader) (out objectStatus) {
	var result *status.Result
	gk := object.GroupVersionKind().GroupKind()
	err := recovered("status panic", func() (err error) {
		switch {
		case gk.Group == "batch" && gk.Kind == "Job":
			result, err = jobStatus(object)
		case checks.Supports(gk):
			result, err = e.checkedStatus(object, checks)
		default:
			result, err = status.Compute(object)
		}
		return err
	})
	if err != nil {
		return objectStatus{Status: string(status.UnknownStatus), Message: err.Error()}
	}
	return objectStatus{Status: string(result.Status), Message: result.Message}
}

func (e *expressions) checkedStatus(object *unstructured.Unstructured, checks *cel.StatusReader) (result *status.Result, err error) {
	err = recovered("expression panic", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), expressionTime)
		defer cancel()
		read, err := checks.ReadStatusForObject(ctx, nil, object)
		if err != nil {
			return err
		}
		result = &status.Result{Status: read.Status, Message: read.Message}
		return read.Error
	})
	if err != nil {
		return nil, e.withoutValues(err)
	}
	return result, nil
}

// jobStatus computes a Job's status as kustomize-controller does, which differs from
// kstatus: a Job is current when it has completed or is suspended, and not as soon as it
// runs.
func jobStatus(job *unstructured.Unstructured) (*status.Result, error) {
	if suspended, _, err := unstructured.NestedBool(job.Object, "spec", "suspend"); err == nil && suspended {
		return &status.Result{Status: status.CurrentStatus, Message: "Job is suspended"}, nil
	}
	count := func(field string, otherwise int) int { return status.GetIntField(job.Object, field, otherwise) }
	parallelism := count(".spec.parallelism", 1)
	completions := count(".spec.completions", parallelism)
	succeeded, failed := count(".status.succeeded", 0), count(".status.failed", 0)
	conditions, err := status.GetObjectWithConditions(job.Object)
	if err != nil {
		return nil, err
	}
	for _, c := range conditions.Status.Conditions {
		if c.Status != "True" {
			continue
		}
		switch c.Type {
		case "Complete":
			return &status.Result{
				Status:  status.CurrentStatus,
				Message: fmt.Sprintf("Job Completed. succeeded: %d/%d", succeeded, completions),
			}, nil
		case "Failed":
			return &status.Result{
				Status:  status.FailedStatus,
				Message: fmt.Sprintf("Job Failed. failed: %d/%d", failed, completions),
			}, nil
		}
	}
	if status.GetStringField(job.Object, ".status.startTime", "") == "" {
		return &status.Result{
			Status:  status.InProgressStatus,
			Message: fmt.Sprintf("Job not started. active: 0/%d", parallelism),
		}, nil
	}
	return &status.Result{
		Status: status.InProgressStatus,
		Message: fmt.Sprintf("Job in progress. success:%d, active: %d, failed: %d",
			succeeded, count(".status.active", 0), failed),
	}, nil
}
