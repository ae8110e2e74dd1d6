{{/* What is trusted, and what opens registries, as the agent and the webhook mount it. */}}
{{- define "nodeseal.trustVolumeMounts" -}}
{{- if not .Values.useHostTrustPolicy }}
- name: trust-policy
  mountPath: /etc/nodeseal/trust-policy
  readOnly: true
{{- end }}
{{- if not .Values.useHostTrustStores }}
- name: truststore
  mountPath: /etc/nodeseal/truststore
  readOnly: true
{{- end }}
{{- if include "nodeseal.registryCa" . }}
- name: registry-ca
  mountPath: /etc/nodeseal/registry-ca
  readOnly: true
{{- end }}
{{- if .Values.registryCredentials.dockerConfigSecret }}
- name: docker-config
  mountPath: /etc/nodeseal/docker-config
  readOnly: true
{{- end }}
{{- end -}}

{{- define "nodeseal.trustVolumes" -}}
{{- if not .Values.useHostTrustPolicy }}
- name: trust-policy
  configMap:
    name: {{ include "nodeseal.trustPolicyConfigMap" . }}
    items:
      - key: {{ .Values.existingTrustPolicy.key }}
        path: policy.json
{{- end }}
{{- if not .Values.useHostTrustStores }}
- name: truststore
  projected:
    sources:
      {{- if include "nodeseal.hasTrustStores" . }}
      - configMap:
          name: {{ include "nodeseal.fullname" . }}-trust-stores
          items:
            {{- range $type, $stores := .Values.trustStores }}
            {{- range $name, $pem := $stores }}
            - key: {{ printf "%s.%s.pem" $type $name }}
              path: {{ printf "x509/%s/%s/%s.pem" $type $name $name }}
            {{- end }}
            {{- end }}
      {{- end }}
      {{- range .Values.existingTrustStores }}
      - {{ ternary "secret" "configMap" (not (empty .secret)) }}:
          name: {{ default .configMap .secret }}
          items:
            - key: {{ .key }}
              path: {{ printf "x509/%s/%s" .store .key }}
      {{- end }}
{{- end }}
{{- if include "nodeseal.registryCa" . }}
- name: registry-ca
  {{- with .Values.registryCa }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret }}
    items:
      - key: {{ .key }}
        path: ca.pem
  {{- else }}
  configMap:
    name: {{ default (printf "%s-registry-ca" (include "nodeseal.fullname" $)) .configMap }}
    items:
      - key: {{ .key }}
        path: ca.pem
  {{- end }}
  {{- end }}
{{- end }}
{{- with .Values.registryCredentials.dockerConfigSecret }}
- name: docker-config
  secret:
    secretName: {{ . }}
    defaultMode: 0400
    items:
      - key: .dockerconfigjson
        path: config.json
{{- end }}
{{- end -}}
