{{- /* A name of at most .max (63) characters: a longer one is cut and ends in a hash of the whole. */}}
{{- define "app.name" -}}
{{- $max := int (.max | default 63) -}}
{{- if gt (len .name) $max -}}
{{- printf "%s-%s" (.name | trunc (int (sub $max 9)) | trimSuffix "-") (.name | sha256sum | trunc 8) -}}
{{- else -}}
{{- .name -}}
{{- end -}}
{{- end -}}

{{- /* What finds a component's pods. Workloads keep it for life: nothing that changes belongs here. */}}
{{- define "app.selector" -}}
app.kubernetes.io/name: {{ .name | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end -}}

{{- /* The labels of an object. A stack has its own namespace, so that is what the object is a part of. */}}
{{- define "app.labels" -}}
{{ include "app.selector" . }}
app.kubernetes.io/part-of: {{ .root.Release.Namespace | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
{{- end -}}

{{- /* JSON {host, ports: {name: published port}} of a component that runs on Docker; {} for any other. */}}
{{- define "app.docker" -}}
{{- $top := .root.Values.docker | default dict -}}
{{- $own := .component.docker | default dict -}}
{{- $port := $own.port | default (ternary $top.port nil (eq (len .root.Values.components) 1)) -}}
{{- $ports := dict -}}
{{- if and $port .component.ports -}}
{{- $_ := set $ports (first .component.ports).name (int $port) -}}
{{- end -}}
{{- range $name, $published := $own.ports | default dict -}}
{{- $_ := set $ports $name (int $published) -}}
{{- end -}}
{{- if $ports -}}
{{- dict "host" ($own.host | default $top.host | default "") "ports" $ports | toJson -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- /* "true" if the component writes to data that outlives its pods and that one writer at a time may have. */}}
{{- define "app.writes" -}}
{{- range .volumes | default list -}}
{{- $shared := and .pvc (has "ReadWriteMany" (.pvc.accessModes | default list)) -}}
{{- if and (not .readOnly) (not $shared) (or .pvc .nfs .hostPath) -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{- /* RollingUpdate or Recreate: two pods must not write to one volume. */}}
{{- define "app.strategy" -}}
{{- .strategy | default (ternary "Recreate" "RollingUpdate" (contains "true" (include "app.writes" .))) -}}
{{- end -}}

{{- /* The name of what belongs to one volume of a component: its claim, its ConfigMap. */}}
{{- define "app.volumeName" -}}
{{- include "app.name" (dict "name" (printf "%s-%s" .component .volume)) -}}
{{- end -}}

{{- /* Annotations of a hook before the sync (Argo CD) or the installation (helm); the argument is its wave. */}}
{{- define "app.hook" -}}
argocd.argoproj.io/hook: PreSync
argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
argocd.argoproj.io/sync-wave: {{ . | quote }}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation
helm.sh/hook-weight: {{ . | quote }}
{{- end -}}

{{- /* JSON of a mapping without what is null or empty in it: the API server leaves that out, and it would show as drift. */}}
{{- define "app.tidy" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- $found := $value -}}
{{- if kindIs "map" $value }}{{ $found = include "app.tidy" $value | fromJson }}{{ end -}}
{{- if not (or (kindIs "invalid" $found) (and (or (kindIs "map" $found) (kindIs "slice" $found)) (empty $found))) -}}
{{- $_ := set $kept $key $found -}}
{{- end -}}
{{- end -}}
{{- $kept | toJson -}}
{{- end -}}
