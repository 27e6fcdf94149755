{{/* The labels that select the pods of a part. Call with (dict "root" $ "part" "source"). */}}
{{- define "weir.selector" -}}
app.kubernetes.io/name: weir
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "weir.labels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/part-of: weir
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The services that act in clouds as accounts of objects, with objectIdentity: their tokens are for clouds alone. */}}
{{- define "weir.cloudServices" -}}
source image-automation notification
{{- end }}

{{/* These, and those that ask key management services, Vault and other clusters as accounts. They may impersonate every account anyway. */}}
{{- define "weir.identityServices" -}}
{{ include "weir.cloudServices" . }} kustomize helm-release
{{- end }}

{{/* A digest pins an image and comes before its tag. Call with (dict "image" .Values.image "tag" "the default tag"). */}}
{{- define "weir.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .tag }}
{{- end -}}
{{- end }}

{{/* The environment that leads a service to NATS. Call with (dict "root" $ "part" "source"). */}}
{{- define "weir.natsEnv" -}}
{{- $nats := .root.Values.nats -}}
{{- $scheme := ternary "tls" "nats" $nats.tls.enabled -}}
{{- $host := printf "%s-nats.%s.svc.%s:4222" .root.Values.fullname .root.Release.Namespace .root.Values.clusterDomain -}}
{{- if not $nats.enabled -}}
- name: NATS_URL
  value: {{ required "nats.external.url is needed when nats.enabled is false" $nats.external.url | quote }}
{{- else if $nats.auth.enabled -}}
- name: NATS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ include "weir.natsSecret" .root }}, key: {{ .part }} } }
- name: NATS_URL
  value: {{ $scheme }}://{{ .part }}:$(NATS_PASSWORD)@{{ $host }}
{{- else -}}
- name: NATS_URL
  value: {{ $scheme }}://{{ $host }}
{{- end -}}
{{- end }}

{{- define "weir.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "weir.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where pods may run; call with (dict "root" $ "part" "source" "replicas" 2). */}}
{{- define "weir.scheduling" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if gt (int .replicas) 1 }}
topologySpreadConstraints:
  {{- range .root.Values.topologySpreadConstraints }}
  - {{- toYaml (merge (dict "labelSelector" (dict "matchLabels" (include "weir.selector" $ | fromYaml))) .) | nindent 4 }}
  {{- else }}
  - topologyKey: kubernetes.io/hostname
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "weir.selector" . | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
The window of --default-grouping: the value, or 30s for a new release. An upgrade leaves it as the release has it. Where there is no
cluster to ask (helm template), the release is new.
*/}}
{{- define "weir.alertGrouping" -}}
{{- if .Values.alerts.grouping -}}
{{ .Values.alerts.grouping }}
{{- else if .Release.IsInstall -}}
30s
{{- else -}}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace (printf "%s-notification" .Values.fullname) | default dict -}}
{{- range $container := dig "spec" "template" "spec" "containers" list $deployment -}}
{{- range $container.args -}}
{{- if hasPrefix "--default-grouping=" . }}{{ trimPrefix "--default-grouping=" . }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
