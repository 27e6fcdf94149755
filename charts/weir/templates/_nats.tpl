{{/* The configuration of nats-server; the servers find each other by the names of the peers' service. */}}
{{- define "weir.natsConfig" -}}
{{- $values := .root.Values -}}
server_name: $POD_NAME
port: 4222
http_port: 8222
lame_duck_grace_period: 5s
lame_duck_duration: 30s

jetstream {
  store_dir: /data
  max_memory_store: {{ $values.nats.jetstream.maxMemory }}B
  max_file_store: {{ $values.nats.jetstream.maxFile }}B
}
{{- if gt (int $values.nats.replicas) 1 }}

cluster {
  name: {{ $values.fullname }}
  port: 6222
  routes: [
    {{- range until (int $values.nats.replicas) }}
    nats://{{ $values.fullname }}-nats-{{ . }}.{{ $values.fullname }}-nats-peers.{{ $.root.Release.Namespace }}.svc.{{ $values.clusterDomain }}:6222
    {{- end }}
  ]
}
{{- end }}
{{- if $values.nats.auth.enabled }}

# Each service logs in as itself. What it publishes is limited to its part: only source hands out artifacts.
authorization {
  users: [
    {{- range $name, $service := $values.services }}
    {{- if $service.enabled }}
    {
      user: {{ $name }}
      password: ${{ include "weir.natsPasswordVariable" $name }}
      permissions: {
        publish: ["weir.event.>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>"
          {{- if eq $name "source" }}, "weir.artifact.>", "weir.blob.>", "$O.>"{{ end }}
          {{- if eq $name "kustomize" }}, "weir.record.>"{{ end }}]
        subscribe: ["_INBOX.>"]
      }
    }
    {{- end }}
    {{- end }}
  ]
}
{{- end }}
{{- end }}

{{- define "weir.natsPasswordVariable" -}}
NATS_PASSWORD_{{ . | replace "-" "_" | upper }}
{{- end }}

{{/* The Secret with a password for each service, under its name. */}}
{{- define "weir.natsSecret" -}}
{{ .Values.nats.auth.existingSecret | default (printf "%s-nats-auth" .Values.fullname) }}
{{- end }}
