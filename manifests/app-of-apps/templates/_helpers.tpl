{{- /* One setting of an application: a list of the places that may say it, the nearest last, and its name. JSON; null is no setting. */}}
{{- define "app-of-apps.setting" -}}
{{- $name := .name }}
{{- $found := dict "value" nil }}
{{- range .places }}{{ if hasKey . $name }}{{ $_ := set $found "value" (get . $name) }}{{ end }}{{ end }}
{{- toJson $found.value }}
{{- end }}

{{- /* The same for a mapping whose keys are taken one by one; a null takes a key away. YAML of what is left. */}}
{{- define "app-of-apps.merged" -}}
{{- $name := .name }}
{{- $merged := dict }}
{{- range .places }}
{{- range $key, $value := get . $name | default dict }}
{{- if kindIs "invalid" $value }}{{ $_ := unset $merged $key }}{{ else }}{{ $_ := set $merged $key $value }}{{ end }}
{{- end }}
{{- end }}
{{- if $merged }}{{ toYaml $merged }}{{ end }}
{{- end }}

{{- /* The AppProject of a layer: `appProject.name`, or the layer's own name. */}}
{{- define "app-of-apps.project" -}}
{{- dig "appProject" "name" .layer .group }}
{{- end }}
