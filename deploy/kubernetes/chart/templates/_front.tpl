{{/* SPDX-License-Identifier: Apache-2.0 */}}
{{/* Service, Deployment and PodDisruptionBudget of a gateway or notifier. Takes (list CONTEXT COMPONENT VALUES PORT). */}}
{{- define "tessera.front" -}}
{{- $root := index . 0 }}{{- $component := index . 1 }}{{- $values := index . 2 }}{{- $port := index . 3 }}
{{- $gateway := eq $component "gateway" -}}
{{- $name := printf "%s-%s" (include "tessera.name" $root) $component -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "tessera.labels" (list $root $component) | nindent 4 }}
spec:
  selector: {{- include "tessera.selector" (list $root $component) | nindent 4 }}
  ports:
    - {name: http, port: 80, targetPort: http}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "tessera.labels" (list $root $component) | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {{- include "tessera.selector" (list $root $component) | nindent 6 }}
  template:
    metadata:
      labels: {{- include "tessera.labels" (list $root $component) | nindent 8 }}
      annotations: {{- include "tessera.podAnnotations" (list $root $values) | nindent 8 }}
    spec:
      {{- include "tessera.pod" (list $root $component $values) | nindent 6 }}
      # preStop, 10 s for requests that are being answered, and 9 s at most to end.
      terminationGracePeriodSeconds: 30
      containers:
        - name: {{ $component }}
          image: {{ include "tessera.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args:
            - {{ $component }}
            - --listen=0.0.0.0:{{ $port }}
            {{- if $gateway }}
            - --spool=/spool
            {{- if not (hasKey $values.options "max-view-copies") }}
            - --max-view-copies=1073741824
            {{- end }}
            {{- if not (hasKey $values.options "view-memory") }}
            - --view-memory=536870912
            {{- end }}
            {{- if $root.Values.secret.linkSecretKey }}
            - --link-secret-file=/run/secrets/tessera/link-secret
            {{- end }}
            {{- end }}
            {{- /* All connections come from a proxy or a load balancer, so those of one address are not bounded. */}}
            {{- $options := merge (dict) $values.options }}
            {{- if not (hasKey $options "max-connections-per-address") }}
            - --max-connections-per-address={{ get $options "max-connections" | default "10000" }}
            {{- end }}
            {{- with $values.options }}
            {{- include "tessera.options" . | nindent 12 }}
            {{- end }}
          env: {{- include "tessera.environment" (list $root $component) | nindent 12 }}
          ports:
            - {name: http, containerPort: {{ $port }}}
          startupProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          # Not /readyz: that speaks of the whole system. While the broker is away or no node is up, gateways should go on
          # to answer for themselves: 503 with Retry-After, what became of jobs, and events.
          readinessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          lifecycle:
            # Until no load balancer sends new connections here.
            preStop: {exec: {command: [sleep, "5"]}}
          resources: {{- toYaml $values.resources | nindent 12 }}
          securityContext: {{- include "tessera.containerSecurity" $root | nindent 12 }}
          volumeMounts:
            {{- include "tessera.mounts" $root | nindent 12 }}
            {{- if $gateway }}
            - {name: spool, mountPath: /spool}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
        {{- if $gateway }}
        - {name: spool, emptyDir: {sizeLimit: {{ $values.spoolSize }}}}
        {{- end }}
        {{- include "tessera.volumes" (list $root $component) | nindent 8 }}
{{- if and $root.Values.podDisruptionBudgets (gt (int $values.replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels: {{- include "tessera.labels" (list $root $component) | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "tessera.selector" (list $root $component) | nindent 6 }}
{{- end }}
{{- end }}
