package fault

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// connectionKey is the key of the connection in a request's context.
type connectionKey struct{}

// ConnContext is for http.Server's field of that name. It makes a request's connection known to the layer, over HTTP/2
// as well, where a connection cannot be taken over by its handler.
func ConnContext(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connection)
}

// hangUp ends the request's connection, with a reset or in order, and the handler with it.
func hangUp(ctx context.Context, reset bool) {
	connection, _ := ctx.Value(connectionKey{}).(net.Conn)
	// Under TLS the alert that says goodbye must not be sent: who is cut off sends none.
	if secure, ok := connection.(*tls.Conn); ok {
		connection = secure.NetConn()
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		if reset {
			_ = tcp.SetLinger(0)
		}
		_ = tcp.Close()
	}
	panic(http.ErrAbortHandler)
}
