{{/*
Which of the host's directories are mounted, as a list of {path, readOnly, type}, shallow ones first. None is the
root, and none whose creation would change how the host works: /var/log/journal, once made, makes journald
keep its journal there.

What is written to may be made (DirectoryOrCreate). /opt is one mount, because kubelet would make
/opt/nodeseal and the like before the agent could note that they were not there, and nobody can remove a
mount point: uninstalling would leave them.
*/}}
{{- define "nodeseal.hostPaths" -}}
{{- $agent := .Values.agent -}}
{{- $all := list
  (dict "path" "/etc/containerd" "readOnly" false)
  (dict "path" "/opt" "readOnly" false)
  (dict "path" "/run/nodeseal" "readOnly" false)
  (dict "path" $agent.stateDir "readOnly" false)
  (dict "path" (dir $agent.agentSocket) "readOnly" false)
  (dict "path" (dir $agent.containerdSocket) "readOnly" true)
  (dict "path" "/proc" "readOnly" true)
  (dict "path" "/run/systemd" "readOnly" true)
  (dict "path" "/usr" "readOnly" true)
-}}
{{- if not .Values.journalUpload.listen -}}
{{- $all = concat $all (list
  (dict "path" "/run/log" "readOnly" true)
  (dict "path" "/var/log" "readOnly" true)) -}}
{{- end -}}
{{- with $agent.containerdLog }}{{ $all = append $all (dict "path" (dir .) "readOnly" true) }}{{ end -}}
{{- if $agent.registryHosts -}}
{{- range splitList ":" $agent.registryHosts }}{{ $all = append $all (dict "path" (clean .) "readOnly" true) }}{{ end -}}
{{- end -}}
{{- with $agent.bundleDir }}{{ $all = append $all (dict "path" (clean .) "readOnly" true) }}{{ end -}}
{{- with $agent.binDir }}{{ $all = append $all (dict "path" (dir (clean .)) "readOnly" false) }}{{ end -}}
{{- if and $agent.credentialProviderConfig $agent.credentialProviderBinDir -}}
{{- $all = concat $all (list
  (dict "path" "/etc" "readOnly" true)
  (dict "path" (dir $agent.credentialProviderConfig) "readOnly" true)
  (dict "path" (clean $agent.credentialProviderBinDir) "readOnly" true)) -}}
{{- end -}}
{{- range .Values.extraHostPaths -}}
{{- $all = append $all (dict "path" (clean .path) "readOnly" (default false .readOnly) "type" (default "" .type)) -}}
{{- end -}}
{{/* Of two on one path, the one that may be written. */}}
{{- $byPath := dict -}}
{{- range $all -}}
{{- $before := get $byPath .path -}}
{{- if or (not $before) (and $before.readOnly (not .readOnly)) }}{{ $_ := set $byPath .path . }}{{ end -}}
{{- end -}}
{{/* What is below another that may do as much is in it already. */}}
{{- $kept := list -}}
{{- range $path := keys $byPath | sortAlpha -}}
{{- $one := get $byPath $path -}}
{{- if eq $path "/" }}{{ fail "extraHostPaths, agent.binDir: expected directories, not the root of the host" }}{{ end -}}
{{- $isCovered := false -}}
{{- range $above := keys $byPath -}}
{{- $other := get $byPath $above -}}
{{- if and (hasPrefix (printf "%s/" $above) $path) (or $one.readOnly (not $other.readOnly)) }}{{ $isCovered = true }}{{ end -}}
{{- end -}}
{{- if not $isCovered -}}
{{- $type := default (ternary "Directory" "DirectoryOrCreate" $one.readOnly) $one.type -}}
{{- $kept = append $kept (dict "path" $path "readOnly" $one.readOnly "type" $type) -}}
{{- end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end -}}

{{- define "nodeseal.hostVolumeName" -}}
{{- printf "host-%s" (regexReplaceAll "[^a-z0-9]+" (lower .) "-" | trimAll "-") | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The settings as environment variables: reverifyInterval is NODESEAL_REVERIFY_INTERVAL. */}}
{{- define "nodeseal.settings" -}}
{{- $settings := omit .Values.agent "stateDir" -}}
- name: NODESEAL_HOST_ROOT
  value: /host
- name: NODESEAL_MODE
  value: {{ .Values.mode }}
- name: NODESEAL_STATE_DIR
  value: /host{{ .Values.agent.stateDir }}
{{- if not .Values.useHostTrustPolicy }}
- name: NODESEAL_POLICY_SOURCE
  value: /etc/nodeseal/trust-policy/policy.json
{{- end }}
{{- if not .Values.useHostTrustStores }}
- name: NODESEAL_TRUSTSTORE_SOURCE
  value: /etc/nodeseal/truststore
{{- end }}
{{- if include "nodeseal.registryCa" . }}
- name: NODESEAL_REGISTRY_CA
  value: /etc/nodeseal/registry-ca/ca.pem
{{- end }}
{{- with .Values.registryCredentials }}
{{- if .pullSecretNamespaces }}
- name: NODESEAL_PULL_SECRETS
  value: "on"
{{- end }}
{{- if .tokenNamespaces }}
- name: NODESEAL_SERVICE_ACCOUNT_TOKENS
  value: "on"
{{- end }}
{{- if .dockerConfigSecret }}
- name: NODESEAL_DOCKER_CONFIG
  value: /etc/nodeseal/docker-config/config.json
{{- end }}
{{- end }}
{{- with .Values.journalUpload }}
{{- if .listen }}
- name: NODESEAL_JOURNAL_UPLOAD_LISTEN
  value: {{ .listen | quote }}
- name: NODESEAL_JOURNAL_UPLOAD_TOKEN_FILE
  value: /etc/nodeseal/journal-upload-token/token
{{- if .tlsSecret }}
- name: NODESEAL_JOURNAL_UPLOAD_CERTIFICATE
  value: /etc/nodeseal/journal-upload-tls/tls.crt
- name: NODESEAL_JOURNAL_UPLOAD_KEY
  value: /etc/nodeseal/journal-upload-tls/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.kubernetes.report }}
- name: NODESEAL_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- end }}
{{- if include "nodeseal.comparesWithWebhook" . }}
- name: NODESEAL_ADMISSION_CONFIGURATION
  value: {{ include "nodeseal.webhookConfiguration" . }}
{{- end }}
{{- range $name, $value := $settings }}
{{- $text := kindIs "slice" $value | ternary (join "," $value) (kindIs "float64" $value | ternary (printf "%v" $value) (toString $value)) }}
{{- if $text }}
- name: NODESEAL_{{ snakecase $name | upper }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end -}}
