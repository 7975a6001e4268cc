{{- /* One Deployment of operators: dict "root" and "shard" (empty, or its name and selector). */ -}}
{{- define "kozutumi.operator" -}}
{{- $operator := .root.Values.operator -}}
{{- $name := empty .shard | ternary "kozutumi-operator" (printf "kozutumi-operator-%s" (get .shard "name")) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: kozutumi-system
  labels:
    {{- include "kozutumi.labels" (dict "name" $name "component" "operator") | nindent 4 }}
spec:
  replicas: {{ $operator.replicas }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ $name }}
  template:
    metadata:
      labels:
        {{- include "kozutumi.labels" (dict "name" $name "component" "operator") | nindent 8 }}
      annotations:
        # A process reads its environment once: new settings need a new pod.
        kozutumi.com/settings-hash: {{ include "kozutumi.platform" .root | sha256sum }}
        {{- with $operator.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: kozutumi-operator
      automountServiceAccountToken: true
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: {{ $name }}
      securityContext:
        {{- include "kozutumi.podSecurity" (dict "volumes" true) | nindent 8 }}
      {{- with $operator.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $operator.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $operator.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $operator.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      containers:
        - name: operator
          image: {{ include "kozutumi.image" (dict "root" .root "name" "operator") | quote }}
          imagePullPolicy: {{ .root.Values.images.pullPolicy }}
          envFrom:
            - configMapRef:
                name: kozutumi-platform
          {{- with .shard }}
          env:
            - name: KOZUTUMI_SHARD
              value: {{ .name | quote }}
            - name: KOZUTUMI_SHARD_SELECTOR
              value: {{ .selector | quote }}
          {{- end }}
          ports:
            - name: metrics
              containerPort: 9444
              protocol: TCP
            - name: reports
              containerPort: 9445
              protocol: TCP
          livenessProbe:
            exec:
              command: [python, -m, kozutumi_operator.alive]
            initialDelaySeconds: 60
            periodSeconds: 30
            timeoutSeconds: 5
            failureThreshold: 3
          resources:
            {{- toYaml $operator.resources | nindent 12 }}
          securityContext:
            {{- include "kozutumi.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            - name: run
              mountPath: /var/run/kozutumi
            - name: platform-ca
              mountPath: /etc/kozutumi/platform-ca
              readOnly: true
            - name: s3
              mountPath: /etc/kozutumi/s3
              readOnly: true
            - name: disposal-signer
              mountPath: /etc/kozutumi/disposal-signer
              readOnly: true
            - name: metrics-tls
              mountPath: /etc/kozutumi/metrics-tls
              readOnly: true
            - name: reports-tls
              mountPath: /etc/kozutumi/reports-tls
              readOnly: true
      volumes:
        - name: tmp
          emptyDir:
            medium: Memory
            sizeLimit: 16Mi
        - name: run
          emptyDir:
            sizeLimit: 1Mi
        - name: platform-ca
          projected:
            defaultMode: 0440
            sources:
              - secret:
                  name: {{ .root.Values.secrets.platformCa }}
              - configMap:
                  name: {{ .root.Values.secrets.mirrorPublicKey }}
                  items:
                    - key: mirror.pub
                      path: mirror.pub
        - name: s3
          secret:
            secretName: {{ .root.Values.secrets.storage }}
            defaultMode: 0440
        - name: disposal-signer
          secret:
            secretName: {{ .root.Values.secrets.disposalSigner }}
            defaultMode: 0440
        - name: metrics-tls
          secret:
            secretName: {{ .root.Values.secrets.operatorMetricsTls }}
            defaultMode: 0440
            optional: true
        - name: reports-tls
          secret:
            secretName: {{ .root.Values.secrets.operatorReportsTls }}
            defaultMode: 0440
            optional: true
{{- end }}
