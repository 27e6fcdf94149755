{{- define "tpl.me" -}}{{ .Template.Name }}{{- end -}}
