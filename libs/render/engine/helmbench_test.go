package main

import (
	"encoding/json"
	"fmt"
	"testing"
)

// chartOf returns a chart with this many objects, a quarter each Deployments, Services,
// ConfigMaps and ServiceAccounts, with helpers, labels and conditions as real charts have
// them.
func chartOf(objects int) files {
	chart := files{
		"Chart.yaml":  "apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: '1.0'\n",
		"values.yaml": "replicas: 2\nimage: {repository: registry.example/web, tag: 1.0.0}\nresources: {limits: {cpu: 100m, memory: 128Mi}}\nextra: {}\n",
		"templates/_helpers.tpl": `{{- define "app.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}`,
	}
	const head = "apiVersion: %s\nkind: %s\nmetadata:\n  name: {{ .Release.Name }}-%d\n  labels:\n    {{- include \"app.labels\" . | nindent 4 }}\n"
	for i := range objects {
		name, content := "", ""
		switch i % 4 {
		case 0:
			name, content = "deployment", fmt.Sprintf(head, "apps/v1", "Deployment", i)+`spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .Chart.Name }}
  template:
    metadata:
      labels:
        {{- include "app.labels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ .Release.Name }}
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
          env:
            - name: NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
`
		case 1:
			name, content = "service", fmt.Sprintf(head, "v1", "Service", i)+"spec:\n  type: ClusterIP\n  ports:\n    - port: 80\n      targetPort: http\n      name: http\n  selector:\n    app.kubernetes.io/name: {{ .Chart.Name }}\n"
		case 2:
			name, content = "config", fmt.Sprintf(head, "v1", "ConfigMap", i)+"data:\n  app.conf: |\n    listen = 8080\n    name = {{ .Release.Name }}\n  level: {{ .Values.level | default \"info\" | quote }}\n"
		case 3:
			name, content = "account", fmt.Sprintf(head, "v1", "ServiceAccount", i)
		}
		chart[fmt.Sprintf("templates/%s-%d.yaml", name, i)] = content
	}
	return chart
}

func benchmarkRender(b *testing.B, objects int, stored bool) {
	e := newEngine()
	r := (&recordedRelease{Files: chartOf(objects)}).request(b)
	if !stored {
		r.Info = nil
	}
	body, err := json.Marshal(r)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		e.renders = newRenders(1)
		answer, err := e.handle("helm.render", body, noAnswers)
		if err != nil || len(answer.(*helmRenderAnswer).Objects) != objects {
			b.Fatal(err)
		}
		if _, err := json.Marshal(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHelmRender20(b *testing.B)       { benchmarkRender(b, 20, false) }
func BenchmarkHelmRender20Stored(b *testing.B) { benchmarkRender(b, 20, true) }
func BenchmarkHelmRender200(b *testing.B)      { benchmarkRender(b, 200, false) }

// BenchmarkHelmUpdate stores a release of 20 objects with another state.
func BenchmarkHelmUpdate(b *testing.B) {
	r := (&recordedRelease{Files: chartOf(20)}).request(b)
	rendered, err := newEngine().helmRender(r, noAnswers)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newEngine().helmUpdate(&updateRequest{Payload: rendered.Stored.Payload, Info: r.Info}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHelmDecode reads a stored release of 20 objects without its objects.
func BenchmarkHelmDecode(b *testing.B) {
	rendered, err := newEngine().helmRender((&recordedRelease{Files: chartOf(20)}).request(b), noAnswers)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := helmDecode(&decodeRequest{Payload: rendered.Stored.Payload}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHelmUpdateHooks stores that one of 1,000 hooks runs, which is done before each
// hook.
func BenchmarkHelmUpdateHooks(b *testing.B) {
	chart := chartOf(4)
	chart["templates/hooks.yaml"] = configHooks(1000, "post-install")
	e := newEngine()
	rendered, err := e.helmRender((&recordedRelease{Files: chart}).request(b), noAnswers)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	payload := rendered.Stored.Payload
	for i := 0; b.Loop(); i++ {
		answer, err := e.helmUpdate(&updateRequest{Payload: payload, Hooks: []hookUpdate{{i % 1000, hookRun{Phase: "Running"}}}})
		if err != nil {
			b.Fatal(err)
		}
		payload = answer.Payload
	}
}

// configHooks is a template of this many hooks, each a ConfigMap.
func configHooks(count int, events string) string {
	const hook = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook-{{ . }}\n  annotations: {helm.sh/hook: %q}\ndata: {color: \"<x>\"}\n---\n"
	return fmt.Sprintf("{{ range until %d }}"+hook+"{{ end }}", count, events)
}
