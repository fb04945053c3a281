{{- /* The pod template of a component: .root, .name, .component. */}}
{{- define "app.pod" -}}
{{- $c := .component -}}
{{- $files := list -}}
{{- range $c.volumes | default list -}}
{{- with (.configMap | default dict).files }}{{ $files = append $files . }}{{ end -}}
{{- end -}}
metadata:
  labels:
    {{- include "app.selector" (dict "root" .root "name" .name) | nindent 4 }}
    app.kubernetes.io/part-of: {{ .root.Release.Namespace | quote }}
    {{- with $c.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or $files $c.podAnnotations }}
  annotations:
    {{- if $files }}
    checksum/config: {{ $files | toJson | sha256sum | quote }}
    {{- end }}
    {{- with $c.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  # the variables that Kubernetes would set for a Service named redis (REDIS_PORT=tcp://…) are settings of many programs
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "app.grace" $c }}
  {{- with $c.hostname }}
  hostname: {{ . | quote }}
  {{- end }}
  {{- if $c.shareProcessNamespace }}
  shareProcessNamespace: true
  {{- end }}
  securityContext:
    {{- mergeOverwrite (dict "seccompProfile" (dict "type" "RuntimeDefault")) (include "app.tidy" ($c.podSecurityContext | default dict) | fromJson) | toYaml | nindent 4 }}
  {{- with $c.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or $c.waitFor $c.initContainers }}
  initContainers:
    {{- range $c.waitFor }}
    - name: {{ include "app.name" (dict "name" (printf "wait-for-%s-%d" .component (int .port))) | quote }}
      image: {{ $.root.Values.waitImage | quote }}
      imagePullPolicy: IfNotPresent
      command:
        - sh
        - -c
        - until nc -w 2 "$1" "$2" -e true; do sleep 1; done
        - wait
        - {{ .component | quote }}
        - {{ .port | int | quote }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        runAsUser: 65534
        capabilities:
          drop:
            - ALL
      resources:
        requests:
          cpu: 5m
          memory: 8Mi
        limits:
          memory: 16Mi
    {{- end }}
    {{- with $c.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    - {{ include "app.container" . | nindent 6 | trim }}
  {{- with include "app.podVolumes" . }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "app.grace" -}}
{{- hasKey . "terminationGracePeriodSeconds" | ternary .terminationGracePeriodSeconds 30 | int -}}
{{- end -}}

{{- define "app.container" -}}
{{- $c := .component -}}
name: {{ .name | quote }}
image: {{ $c.image | quote }}
imagePullPolicy: {{ $c.imagePullPolicy | default "IfNotPresent" }}
{{- with $c.command }}
command:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $c.args }}
args:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $c.workingDir }}
workingDir: {{ . | quote }}
{{- end }}
{{- $env := list }}
{{- /* secrets first: a later variable may name them as $(NAME) */}}
{{- range $name, $from := $c.secretEnv | default dict }}
{{- $env = append $env (dict "name" $name "valueFrom" (dict "secretKeyRef" (dict "name" $from.secret "key" $from.key))) }}
{{- end }}
{{- range $name, $value := $c.env | default dict }}
{{- $env = append $env (dict "name" $name "value" $value) }}
{{- end }}
{{- with $env }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $ports := list }}
{{- $seen := dict }}
{{- range $c.ports | default list }}
{{- $protocol := .protocol | default "TCP" }}
{{- $key := printf "%d/%s" (int .port) $protocol }}
{{- if not (hasKey $seen $key) }}
{{- $_ := set $seen $key true }}
{{- $ports = append $ports (dict "name" .name "containerPort" (int .port) "protocol" $protocol) }}
{{- end }}
{{- end }}
{{- with $ports }}
ports:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $probe := list "startup" "readiness" "liveness" }}
{{- with get ($c.probes | default dict) $probe }}
{{ $probe }}Probe:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with include "app.lifecycle" $c | fromJson }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "app.tidy" ($c.resources | default dict) | fromJson }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "app.tidy" ($c.securityContext | default dict) | fromJson }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $mounts := list }}
{{- range $c.volumes | default list }}
{{- $mount := dict "name" .name "mountPath" .mountPath }}
{{- if .readOnly }}{{ $_ := set $mount "readOnly" true }}{{ end }}
{{- if .subPath }}{{ $_ := set $mount "subPath" .subPath }}{{ end }}
{{- $mounts = append $mounts $mount }}
{{- end }}
{{- with $mounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* JSON of the container's lifecycle. A stop signal that is not SIGTERM is sent before Kubernetes sends that. A pod that
another one takes over from goes on answering for a moment, until every node has heard that it is going. */}}
{{- define "app.lifecycle" -}}
{{- $lifecycle := deepCopy (.lifecycle | default dict) -}}
{{- $signal := .stopSignal | default "" | toString | trimPrefix "SIG" -}}
{{- $rolling := and (eq (.kind | default "Deployment") "Deployment") (eq (include "app.strategy" .) "RollingUpdate") -}}
{{- $drain := min 5 (div (include "app.grace" . | int) 2) -}}
{{- if hasKey $lifecycle "preStop" -}}
{{- else if not (has $signal (list "" "TERM" "15")) -}}
{{- $script := "kill -s \"$1\" 1 && while kill -0 1 2>/dev/null; do sleep 1; done" -}}
{{- $_ := set $lifecycle "preStop" (dict "exec" (dict "command" (list "sh" "-c" $script "stop" $signal))) -}}
{{- else if and $rolling .ports (gt (int $drain) 0) -}}
{{- $_ := set $lifecycle "preStop" (dict "sleep" (dict "seconds" (int $drain))) -}}
{{- end -}}
{{- $lifecycle | toJson -}}
{{- end -}}

{{- define "app.podVolumes" -}}
{{- $volumes := list -}}
{{- $done := dict -}}
{{- $component := .name -}}
{{- range .component.volumes | default list -}}
{{- if not (hasKey $done .name) -}}
{{- $_ := set $done .name true -}}
{{- $volume := dict "name" .name -}}
{{- $own := include "app.volumeName" (dict "component" $component "volume" .name) -}}
{{- if hasKey . "pvc" -}}
{{- $claim := dict "claimName" (.pvc.existingClaim | default $own) -}}
{{- $_ := set $volume "persistentVolumeClaim" $claim -}}
{{- else if hasKey . "nfs" -}}
{{- $nfs := dict "server" .nfs.server "path" .nfs.path -}}
{{- if .readOnly }}{{ $_ := set $nfs "readOnly" true }}{{ end -}}
{{- $_ := set $volume "nfs" $nfs -}}
{{- else if hasKey . "hostPath" -}}
{{- $hostPath := dict "path" .hostPath.path -}}
{{- if .hostPath.type }}{{ $_ := set $hostPath "type" .hostPath.type }}{{ end -}}
{{- $_ := set $volume "hostPath" $hostPath -}}
{{- else if hasKey . "configMap" -}}
{{- $map := dict "name" (.configMap.name | default $own) -}}
{{- if .configMap.defaultMode }}{{ $_ := set $map "defaultMode" (int .configMap.defaultMode) }}{{ end -}}
{{- $_ := set $volume "configMap" $map -}}
{{- else if hasKey . "secret" -}}
{{- $secret := dict "secretName" .secret.name -}}
{{- if .secret.defaultMode }}{{ $_ := set $secret "defaultMode" (int .secret.defaultMode) }}{{ end -}}
{{- if .secret.items -}}
{{- $items := list -}}
{{- range $key, $path := .secret.items }}{{ $items = append $items (dict "key" $key "path" $path) }}{{ end -}}
{{- $_ := set $secret "items" $items -}}
{{- end -}}
{{- $_ := set $volume "secret" $secret -}}
{{- else -}}
{{- $empty := dict -}}
{{- if .emptyDir.medium }}{{ $_ := set $empty "medium" .emptyDir.medium }}{{ end -}}
{{- if .emptyDir.sizeLimit }}{{ $_ := set $empty "sizeLimit" .emptyDir.sizeLimit }}{{ end -}}
{{- $_ := set $volume "emptyDir" $empty -}}
{{- end -}}
{{- $volumes = append $volumes $volume -}}
{{- end -}}
{{- end -}}
{{- if $volumes }}{{ toYaml $volumes }}{{ end -}}
{{- end -}}
