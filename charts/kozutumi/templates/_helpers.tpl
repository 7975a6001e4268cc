{{- define "kozutumi.image" -}}
{{- $image := get .root.Values.images .name -}}
{{- with .root.Values.images.registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ .root.Values.images.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end }}

{{- /* Labels of an object of one part: dict "part" and optionally "component". */ -}}
{{- define "kozutumi.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: kozutumi
{{- end }}

{{- define "kozutumi.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
{{- if .volumes }}
fsGroup: 65532
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "kozutumi.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* KOZUTUMI_<PREFIX><NAME>: a list is joined by commas; what is empty is left to the operator's own default. */ -}}
{{- define "kozutumi.settings" -}}
{{- range $key, $value := .values }}
{{- if kindIs "slice" $value }}{{ $value = join "," $value }}{{ end }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}
KOZUTUMI_{{ $.prefix }}{{ snakecase $key | upper }}: {{ kindIs "float64" $value | ternary (toString (int64 $value)) $value | toString | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "kozutumi.platform" -}}
{{- $values := .Values.platform -}}
{{- range $key := list "domain" "s3Endpoint" "s3Region" "iamEndpoint" "storageSelector" "smtpHost" "smtpSelector" "mailFrom" "mirrorUrl" "podCidr" "serviceCidr" "nodeCidrs" }}
{{- if not (get $values $key) }}{{ fail (printf "platform.%s is not set: see its comment in values.yaml" $key) }}{{ end }}
{{- end -}}
KOZUTUMI_IMAGE_APP: {{ include "kozutumi.image" (dict "root" . "name" "app") | quote }}
KOZUTUMI_IMAGE_SCANNER: {{ include "kozutumi.image" (dict "root" . "name" "scanner") | quote }}
KOZUTUMI_IMAGE_PROBE: {{ include "kozutumi.image" (dict "root" . "name" "operator") | quote }}
{{- include "kozutumi.settings" (dict "prefix" "" "values" $values) }}
{{- if not $values.monitoringNamespace }}
KOZUTUMI_MONITORING_NAMESPACE: ""
{{- end }}
{{- include "kozutumi.settings" (dict "prefix" "FLEET_" "values" .Values.fleet) }}
{{- end }}

{{- /* The peers of a selector, written as the operator reads it: namespace=…,label=… or cidr=…,cidr=… */ -}}
{{- define "kozutumi.peers" -}}
{{- $namespace := "" }}{{ $labels := dict }}{{ $peers := list }}
{{- range $part := splitList "," . }}
{{- $pair := splitn "=" 2 (trim $part) }}
{{- if eq $pair._0 "cidr" }}{{ $peers = append $peers (dict "ipBlock" (dict "cidr" $pair._1)) }}
{{- else if eq $pair._0 "namespace" }}{{ $namespace = $pair._1 }}
{{- else }}{{ $_ := set $labels $pair._0 $pair._1 }}{{ end }}
{{- end }}
{{- if $namespace }}
{{- $peer := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" $namespace)) }}
{{- if $labels }}{{ $_ := set $peer "podSelector" (dict "matchLabels" $labels) }}{{ end }}
{{- $peers = append $peers $peer }}
{{- end }}
{{- toYaml $peers }}
{{- end }}
