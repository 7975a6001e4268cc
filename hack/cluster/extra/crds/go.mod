// The custom resource definitions of others that the operator writes objects of. Nothing is compiled:
// the YAML files of these modules are what is wanted (kozutumi_cluster.platform.definitions).
module kozutumi.com/cluster/extra/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	sigs.k8s.io/gateway-api v1.6.3
)

require github.com/prometheus-operator/prometheus-operator v0.94.0 // indirect
