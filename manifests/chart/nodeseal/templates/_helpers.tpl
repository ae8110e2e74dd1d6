{{/* Names and labels. */}}
{{- define "nodeseal.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What a DaemonSet can never change: it must not depend on the version. */}}
{{- define "nodeseal.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "nodeseal.labels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "nodeseal.serviceAccountName" -}}
{{- default (include "nodeseal.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "nodeseal.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* The last colon separates the port; an IPv6 address is in brackets. */}}
{{- define "nodeseal.listenPort" -}}
{{- regexFind "[0-9]+$" .Values.agent.listen -}}
{{- end -}}

{{/* The address that kubelet has to ask, where not every address of the node answers; '' else. */}}
{{- define "nodeseal.probeHost" -}}
{{- $host := regexReplaceAll ":[0-9]+$" .Values.agent.listen "" | trimPrefix "[" | trimSuffix "]" -}}
{{- if not (has $host (list "0.0.0.0" "::")) -}}{{ $host }}{{- end -}}
{{- end -}}

{{- define "nodeseal.trustPolicyConfigMap" -}}
{{- default (printf "%s-trust-policy" (include "nodeseal.fullname" .)) .Values.existingTrustPolicy.configMap -}}
{{- end -}}

{{/* Whether there are trust stores in the values; '' if not. */}}
{{- define "nodeseal.hasTrustStores" -}}
{{- range $type, $stores := .Values.trustStores }}{{ range $name, $pem := $stores }}yes{{ end }}{{ end -}}
{{- end -}}

{{/* Fails for values that cannot work together; each says what to do. */}}
{{- define "nodeseal.check" -}}
{{- $given := 0 -}}
{{- if .Values.trustPolicy }}{{ $given = add1 $given }}{{ end -}}
{{- if .Values.existingTrustPolicy.configMap }}{{ $given = add1 $given }}{{ end -}}
{{- if .Values.useHostTrustPolicy }}{{ $given = add1 $given }}{{ end -}}
{{- if ne (int $given) 1 -}}
{{- fail "expected exactly one of trustPolicy, existingTrustPolicy.configMap and useHostTrustPolicy: without a trust policy no image could be judged" -}}
{{- end -}}
{{- if and .Values.useHostTrustStores (or (include "nodeseal.hasTrustStores" .) .Values.existingTrustStores) -}}
{{- fail "expected either useHostTrustStores or trustStores and existingTrustStores: what is mounted replaces what is on the host" -}}
{{- end -}}
{{- if and .Values.trustPolicy (not .Values.useHostTrustStores) -}}
{{- $known := list -}}
{{- range $type, $stores := .Values.trustStores }}{{ range $name, $pem := $stores }}{{ $known = append $known (printf "%s:%s" $type $name) }}{{ end }}{{ end -}}
{{- range .Values.existingTrustStores }}{{ $known = append $known (replace "/" ":" .store) }}{{ end -}}
{{- range $statement := .Values.trustPolicy.trustPolicies -}}
{{- range $statement.trustStores -}}
{{- if not (has . $known) -}}
{{- fail (printf "trustPolicy statement %q names the trust store %q: expected it in trustStores or existingTrustStores" $statement.name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.existingTrustStores -}}
{{- if eq (empty .secret) (empty .configMap) -}}
{{- fail (printf "existingTrustStores, store %q: expected either secret or configMap" .store) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.registryCredentials.pullSecretNamespaces (not .Values.kubernetes.report) -}}
{{- fail "registryCredentials.pullSecretNamespaces without kubernetes.report: the agent has no token to ask with" -}}
{{- end -}}
{{- if and .Values.registryCredentials.tokenNamespaces (not .Values.kubernetes.report) -}}
{{- fail "registryCredentials.tokenNamespaces without kubernetes.report: the agent has no token to ask with" -}}
{{- end -}}
{{- if and .Values.journalUpload.listen (not .Values.journalUpload.tokenSecret) -}}
{{- fail "journalUpload.listen without journalUpload.tokenSecret: anybody could upload" -}}
{{- end -}}
{{- end -}}

{{/* The one file of certificate authorities for registries: from here, a ConfigMap or a Secret; '' for none. */}}
{{- define "nodeseal.registryCa" -}}
{{- if or .Values.registryCa.pem .Values.registryCa.configMap .Values.registryCa.secret }}yes{{ end -}}
{{- end -}}
