{{/* The admission webhook: its names, and what both of its configurations have in common. */}}
{{- define "nodeseal.webhookName" -}}
{{- printf "%s-webhook" (include "nodeseal.fullname" .) -}}
{{- end -}}

{{/* Configurations are of the whole cluster. */}}
{{- define "nodeseal.webhookConfiguration" -}}
{{- printf "%s-%s" .Release.Namespace (include "nodeseal.fullname" .) -}}
{{- end -}}

{{/* Whether agents hold their verdicts against the webhook's; for that they need to ask the API server. */}}
{{- define "nodeseal.comparesWithWebhook" -}}
{{- if and .Values.webhook.enabled .Values.webhook.compare .Values.kubernetes.report -}}
true
{{- end -}}
{{- end -}}

{{- define "nodeseal.webhookSelectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "nodeseal.webhookLabels" -}}
{{ include "nodeseal.labels" . }}
app.kubernetes.io/component: webhook
{{- end -}}

{{/* The Secret of type kubernetes.io/tls that is mounted; '' where the webhook makes its own certificate. */}}
{{- define "nodeseal.webhookTlsSecret" -}}
{{- $certificate := .Values.webhook.certificate -}}
{{- if eq $certificate.source "certManager" -}}
{{- printf "%s-tls" (include "nodeseal.webhookName" .) -}}
{{- else if eq $certificate.source "secret" -}}
{{- required "webhook.certificate.source secret: expected webhook.certificate.secret" $certificate.secret -}}
{{- end -}}
{{- end -}}

{{- define "nodeseal.webhookTlsAnnotations" -}}
{{- if eq .Values.webhook.certificate.source "certManager" -}}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "nodeseal.webhookName" . }}
{{- end -}}
{{- end -}}

{{/* One webhook, as a list: {root, path}. */}}
{{- define "nodeseal.webhooks" -}}
{{- $webhook := .root.Values.webhook -}}
{{- $name := include "nodeseal.webhookName" .root -}}
- name: {{ .path }}.nodeseal.io
  admissionReviewVersions: [v1]
  sideEffects: None
  matchPolicy: Equivalent
  # Without a verdict, enforcing lets nothing in.
  failurePolicy: {{ default (ternary "Fail" "Ignore" (eq $webhook.mode "enforce")) $webhook.failurePolicy }}
  timeoutSeconds: {{ $webhook.timeoutSeconds }}
  clientConfig:
    service:
      namespace: {{ .root.Release.Namespace }}
      name: {{ $name }}
      port: 443
      path: /{{ .path }}
    {{- if eq $webhook.certificate.source "secret" }}
    caBundle: {{ required "webhook.certificate.source secret: expected webhook.certificate.caBundle" $webhook.certificate.caBundle | b64enc }}
    {{- end }}
  namespaceSelector:
    matchExpressions:
      # The release's namespace: a webhook that is down could not come up, because nobody would let it in.
      # kube-system: neither could what it needs to be reached, such as DNS and the network. The verifiers on
      # the nodes judge the images of both all the same, and need neither.
      - key: kubernetes.io/metadata.name
        operator: NotIn
        values:
          - {{ .root.Release.Namespace }}
          {{- range without $webhook.excludedNamespaces .root.Release.Namespace }}
          - {{ . }}
          {{- end }}
  rules:
    - apiGroups: ['']
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [pods, pods/ephemeralcontainers, podtemplates, replicationcontrollers]
      scope: Namespaced
    - apiGroups: [apps]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [deployments, daemonsets, statefulsets, replicasets]
      scope: Namespaced
    - apiGroups: [batch]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [jobs, cronjobs]
      scope: Namespaced
  matchConditions:
    # What kubelets make are mirrors of static pods, which run whatever is thought of their mirrors.
    - name: not-by-kubelet
      expression: "!('system:nodes' in request.userInfo.groups)"
    # What is being deleted brings in nothing, and must not be kept by the webhook.
    - name: not-being-deleted
      expression: "request.operation == 'CREATE' || !has(object.metadata.deletionTimestamp)"
    # Nor do updates of labels, finalizers and status.
    - name: may-bring-in-images
      expression: "request.operation == 'CREATE' || !has(object.spec) || object.spec != oldObject.spec"
    {{- with $webhook.matchConditions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Fails for values that cannot work together. */}}
{{- define "nodeseal.checkWebhook" -}}
{{- if or .Values.useHostTrustPolicy .Values.useHostTrustStores -}}
{{- fail "webhook.enabled with useHostTrustPolicy or useHostTrustStores: the webhook is on no host; expected trustPolicy and trustStores, or existing ones" -}}
{{- end -}}
{{- end -}}
