// Package ext is what Traefik's configuration embeds for other products of its makers. Traefik's module names it in a
// replace of its own and, as a nested module, does not contain it.
package ext

// HTTP adds nothing.
type HTTP struct{}

// Router adds nothing.
type Router struct{}
