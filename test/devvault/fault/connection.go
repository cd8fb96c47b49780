package fault

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// connectionKey is the key of the connection in a request's context.
type connectionKey struct{}

// ConnContext is for http.Server's field of that name. It makes a request's connection known to the layer, also over
// HTTP/2, where a handler cannot take a connection over.
func ConnContext(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connection)
}

// hangUp ends the request's connection, with a reset or properly, and the handler with it.
func hangUp(ctx context.Context, reset bool) {
	connection, _ := ctx.Value(connectionKey{}).(net.Conn)
	// With TLS the closing alert must not be sent, because a connection that is cut sends none.
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
