package main

import (
	"encoding/json"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestStatus(t *testing.T) {
	const job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\n"
	for _, c := range []struct {
		name, object, status, message string
	}{
		{"config map", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "Current", "Resource is always ready"},
		{"rolling out", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, generation: 2}\nspec: {replicas: 2}\nstatus: {observedGeneration: 1}\n",
			"InProgress", "Deployment generation is 2, but latest observed generation is 1"},
		{"rolled out", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, generation: 1}\nspec: {replicas: 1}\n" +
			"status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: 'True'}, {type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]}\n",
			"Current", "Deployment is available. Replicas: 1"},
		{"stuck", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, generation: 1}\nspec: {replicas: 1}\n" +
			"status: {observedGeneration: 1, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}\n",
			"Failed", "Progress deadline exceeded"},
		{"going", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, deletionTimestamp: '2026-01-01T00:00:00Z'}\n", "Terminating", "Resource scheduled for deletion"},
		{"custom, not ready", "apiVersion: x.y/v1\nkind: Z\nmetadata: {name: x}\nstatus: {conditions: [{type: Ready, status: 'False', reason: R, message: because}]}\n", "InProgress", "because"},
		{"custom, stalled", "apiVersion: x.y/v1\nkind: Z\nmetadata: {name: x}\nstatus: {conditions: [{type: Stalled, status: 'True', message: never}]}\n", "Failed", "never"},
		{"job that runs", job + "spec: {completions: 3, parallelism: 2}\nstatus: {startTime: '2026-01-01T00:00:00Z', active: 2, succeeded: 1}\n",
			"InProgress", "Job in progress. success:1, active: 2, failed: 0"},
		{"job that waits", job + "spec: {parallelism: 2}\n", "InProgress", "Job not started. active: 0/2"},
		{"job suspended", job + "spec: {suspend: true}\n", "Current", "Job is suspended"},
		{"job done", job + "status: {succeeded: 1, conditions: [{type: Complete, status: 'True'}]}\n", "Current", "Job Completed. succeeded: 1/1"},
		{"job failed", job + "status: {failed: 4, conditions: [{type: Complete, status: 'False'}, {type: Failed, status: 'True'}]}\n", "Failed", "Job Failed. failed: 4/1"},
		{"nonsense", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nstatus: {conditions: no}\n", "Unknown", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := yaml.YAMLToJSON([]byte(c.object))
			if err != nil {
				t.Fatal(err)
			}
			var request statusRequest
			if err := json.Unmarshal([]byte(`{"objects":[`+string(data)+`]}`), &request); err != nil {
				t.Fatal(err)
			}
			answer, err := (&expressions{}).statuses(&request)
			if err != nil {
				t.Fatal(err)
			}
			got := answer.Statuses[0]
			if got.Status != c.status || (c.message != "" && got.Message != c.message) {
				t.Errorf("got %+v, want %s: %s", got, c.status, c.message)
			}
		})
	}
}
