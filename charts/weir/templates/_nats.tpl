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
{{- if $values.nats.tls.enabled }}

tls {
  {{- include "weir.natsCertificate" . | nindent 2 }}
}
{{- end }}
{{- if gt (int $values.nats.replicas) 1 }}

# Only who has the password and a certificate of this authority is one of the servers.
cluster {
  name: {{ $values.fullname }}
  port: 6222
  authorization {
    user: routes
    password: $NATS_PASSWORD_ROUTES
    timeout: 5
  }
  tls {
    {{- include "weir.natsCertificate" . | nindent 4 }}
    verify: true
  }
  routes: $NATS_ROUTES
}
{{- end }}
{{- if $values.nats.auth.enabled }}

# Each service logs in as itself, and may do what its code does: nats/<service>.yaml of the chart.
authorization {
  users: [
    {{- range $name, $service := $values.services }}
    {{- if $service.enabled }}
    {
      user: {{ $name }}
      password: ${{ include "weir.natsPasswordVariable" $name }}
      permissions: {
        {{- $subjects := include "weir.natsSubjects" (dict "root" $.root "service" $name) | trim }}
        {{- if $subjects }}
        publish: [
          {{- range splitList "\n" $subjects | uniq }}
          {{ . | quote }}
          {{- end }}
        ]
        {{- else }}
        publish: { deny: ">" }
        {{- end }}
        subscribe: [{{ printf "_INBOX.%s.>" $name | quote }}]
      }
    }
    {{- end }}
    {{- end }}
  ]
}
{{- end }}
{{- end }}

{{/*
The subjects on which a service publishes, one a line: requests to the JetStream API are messages too, and the
stream is part of their subject. Call with (dict "root" $ "service" "source").
*/}}
{{- define "weir.natsSubjects" -}}
{{- $rights := .root.Files.Get (printf "nats/%s.yaml" .service) | fromYaml -}}
{{- range $rights.publish }}
{{ . }}
{{- end }}
{{- /* What a verb is in the API of JetStream. */}}
{{- $consume := list "STREAM.INFO.%s" "CONSUMER.CREATE.%s" "CONSUMER.CREATE.%s.>" "CONSUMER.INFO.%s.>" "CONSUMER.MSG.NEXT.%s.>" "CONSUMER.DELETE.%s.>" }}
{{- $verbs := dict
  "make" (list "STREAM.INFO.%s" "STREAM.CREATE.%s" "STREAM.UPDATE.%s")
  "find" (list "STREAM.INFO.%s")
  "read" (list "STREAM.INFO.%s" "STREAM.MSG.GET.%s" "DIRECT.GET.%s" "DIRECT.GET.%s.>")
  "consume" $consume
  "remove" (list "STREAM.MSG.DELETE.%s")
  "purge" (list "STREAM.PURGE.%s")
  "retire" (concat $consume (list "STREAM.UPDATE.%s" "STREAM.DELETE.%s" "CONSUMER.LIST.%s"))
}}
{{- range $verb, $requests := $verbs }}
{{- range $stream := index $rights $verb }}
{{- range $requests }}
$JS.API.{{ printf . $stream }}
{{- end }}
{{- end }}
{{- end }}
{{- range $rights.acknowledge }}
$JS.ACK.{{ . }}.>
{{- end }}
{{- /* The object store asks for the account's limits, and paces what it reads. */}}
{{- if has "OBJ_weir-objects" $rights.consume }}
$JS.API.INFO
$JS.FC.OBJ_weir-objects.>
{{- end }}
{{- end }}

{{- define "weir.natsCertificate" -}}
cert_file: /etc/nats-tls/tls.crt
key_file: /etc/nats-tls/tls.key
ca_file: /etc/nats-tls/ca.crt
timeout: 5
{{- end }}

{{/* Whether the servers have a certificate: for the routes between them, or for those who connect. */}}
{{- define "weir.natsHasTls" -}}
{{- if and .Values.nats.enabled (or .Values.nats.tls.enabled (gt (int .Values.nats.replicas) 1)) }}true{{ end }}
{{- end }}

{{- define "weir.natsTlsSecret" -}}
{{ .Values.nats.tls.existingSecret | default (printf "%s-nats-tls" .Values.fullname) }}
{{- end }}

{{/* Where the servers find each other, as nats-server reads it from its environment; call with the root. */}}
{{- define "weir.natsRoutes" -}}
{{- $routes := list }}
{{- range until (int .Values.nats.replicas) }}
{{- $host := printf "%s-nats-%d.%s-nats-peers.%s.svc.%s" $.Values.fullname . $.Values.fullname $.Release.Namespace $.Values.clusterDomain }}
{{- $routes = append $routes (printf "nats://routes:$(NATS_PASSWORD_ROUTES)@%s:6222" $host | quote) }}
{{- end -}}
[{{ join ", " $routes }}]
{{- end }}

{{- define "weir.natsPasswordVariable" -}}
NATS_PASSWORD_{{ . | replace "-" "_" | upper }}
{{- end }}

{{/* The Secret with a password for each service, under its name. */}}
{{- define "weir.natsSecret" -}}
{{ .Values.nats.auth.existingSecret | default (printf "%s-nats-auth" .Values.fullname) }}
{{- end }}
