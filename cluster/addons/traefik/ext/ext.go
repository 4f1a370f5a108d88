// Package ext is what Traefik's authors put their own extensions in. It is not published; for everybody else both types are empty.
package ext

type HTTP struct{}

type Router struct{}
