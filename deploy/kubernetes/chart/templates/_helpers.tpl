{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{- define "tessera.name" -}}
{{- if contains "tessera" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-tessera" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Labels by which pods are selected; they never change. Takes (list CONTEXT COMPONENT). */}}
{{- define "tessera.selector" -}}
app.kubernetes.io/name: tessera
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "tessera.labels" -}}
{{ include "tessera.selector" . }}
{{- with index . 0 }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
{{- end }}

{{- define "tessera.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "tessera.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "tessera.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* Options of the values as arguments, in a fixed order. */}}
{{- define "tessera.options" -}}
{{- range $name, $value := . }}
{{- /* YAML's numbers are floating-point; %v would write big ones with an exponent. */}}
- {{ printf "--%s=%v" $name (kindIs "float64" $value | ternary (toJson $value) $value) | quote }}
{{- end }}
{{- end }}

{{- define "tessera.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tessera.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Takes (list CONTEXT COMPONENT). */}}
{{- define "tessera.environment" -}}
{{- $root := index . 0 }}{{- $component := index . 1 -}}
{{- $keys := dict "TESSERA_STORE" "store" "TESSERA_LOG_LEVEL" "log-level" "TESSERA_LOG_FORMAT" "log-format" }}
{{- if eq $component "gateway" }}
{{- $keys = merge $keys (dict "TESSERA_PUBLIC_URL" "public-url" "TESSERA_NOTIFIER_URL" "notifier-url") }}
{{- else if eq $component "notifier" }}
{{- $keys = merge $keys (dict "TESSERA_PUBLIC_URL" "notifier-url") }}
{{- end -}}
- {name: TESSERA_QUEUE_FILE, value: /run/secrets/tessera/queue-url}
- {name: TESSERA_STATE_FILE, value: /run/secrets/tessera/state-url}
{{- range $variable, $key := $keys }}
- name: {{ $variable }}
  valueFrom: {configMapKeyRef: {name: {{ include "tessera.name" $root }}, key: {{ $key }}}}
{{- end }}
{{- with $root.Values }}
{{- range .secret.environment }}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .secret | default $root.Values.secret.name }}, key: {{ .key }}}}
{{- end }}
{{- with .extraEnvironment }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tessera.settings" -}}
store: {{ .Values.store | quote }}
public-url: {{ .Values.publicUrl | quote }}
notifier-url: {{ .Values.notifierUrl | default .Values.publicUrl | quote }}
log-level: {{ .Values.log.level | quote }}
log-format: {{ .Values.log.format | quote }}
{{- end }}

{{/* Pods are replaced when what they read at their start has changed. */}}
{{- define "tessera.podAnnotations" -}}
checksum/settings: {{ include "tessera.settings" (index . 0) | sha256sum }}
{{- with (index . 1).podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "tessera.mounts" -}}
- {name: secrets, mountPath: /run/secrets/tessera, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Takes (list CONTEXT COMPONENT). */}}
{{- define "tessera.volumes" -}}
{{- $component := index . 1 }}
{{- with index . 0 -}}
- name: secrets
  secret:
    secretName: {{ .Values.secret.name }}
    defaultMode: 0440
    items:
      - {key: {{ .Values.secret.queueKey }}, path: queue-url}
      - {key: {{ .Values.secret.stateKey }}, path: state-url}
      {{- if and .Values.secret.linkSecretKey (eq $component "gateway") }}
      - {key: {{ .Values.secret.linkSecretKey }}, path: link-secret}
      {{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* What all pods have. Takes (list CONTEXT COMPONENT VALUES). */}}
{{- define "tessera.pod" -}}
{{- $root := index . 0 }}{{- $values := index . 2 -}}
serviceAccountName: {{ include "tessera.serviceAccount" $root }}
automountServiceAccountToken: false
# Variables that Kubernetes makes of Services' names could be taken for Tessera's own.
enableServiceLinks: false
securityContext: {{- include "tessera.podSecurity" $root | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "tessera.selector" (list $root (index . 1)) | nindent 8 }}
{{- end }}
