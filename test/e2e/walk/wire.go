package walk

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"sallyport.example/sallyport/test/e2e/tap"
)

// answerTimeout is how long an answer may take, and socketTime how long the walk listens at a WebSocket.
const (
	answerTimeout = 20 * time.Second
	socketTime    = 60 * time.Millisecond
)

// Answer is what came back for a request.
type Answer struct {
	// Raw is the whole answer as it came, with interim answers and trailers; Text is the decoded body.
	Raw, Text string
	Status    int
	Header    http.Header
}

// request is what goes over the wire.
type request struct {
	method, target string
	lines          []string
	body           string
	chunked        bool
	trick          Trick
	// release is closed to send the rest of a body that is held back.
	release <-chan struct{}
	// head gets the head of the final answer, before the body is read. It may be nil.
	head func(http.Header)
}

// wire sends requests to one site.
type wire struct {
	address string
	secure  bool
	second  *http.Transport
}

func newWire(address string, secure bool) *wire {
	w := &wire{address: address, secure: secure}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	w.second = &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: protocols, DisableCompression: true,
	} // the gateway's certificate is not tested here
	return w
}

func (w *wire) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if w.secure {
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}}
		return dialer.DialContext(ctx, "tcp", w.address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", w.address)
}

// closeWriter is a connection whose writing side can be shut down.
type closeWriter interface{ CloseWrite() error }

// send sends a request byte for byte over a connection of its own.
func (w *wire) send(r request) (Answer, error) {
	if r.trick == Second && w.secure {
		return w.sendSecond(r)
	}
	conn, err := w.dial()
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerTimeout))
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", r.method, r.target, w.address)
	for _, line := range r.lines {
		head += line + "\r\n"
	}
	body := r.body
	switch {
	case r.chunked:
		head += "Transfer-Encoding: chunked\r\n"
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case body != "" || r.method == http.MethodPost:
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if r.trick == Socket {
		head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	} else {
		head += "Connection: close\r\n"
	}
	text := head + "\r\n" + body
	if r.trick == Hold && body != "" {
		// The server may refuse the request, and close, before it has read all of it.
		_, _ = io.WriteString(conn, text[:len(text)-1])
		<-r.release
		text = text[len(text)-1:]
	}
	_, _ = io.WriteString(conn, text)
	switch r.trick {
	case Drop:
		time.Sleep(5 * time.Millisecond) // the request should arrive, and nothing tells when it has
		return Answer{}, nil
	case Half:
		if half, ok := conn.(closeWriter); ok {
			_ = half.CloseWrite()
		}
	}
	return read(conn, r)
}

// read reads answers until the final one is whole.
func read(conn net.Conn, r request) (Answer, error) {
	var raw bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(conn, &raw))
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: r.method}) //nolint:bodyclose // over with the connection
		if err != nil {
			return Answer{Raw: raw.String()}, err
		}
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		answer := Answer{Status: response.StatusCode, Header: response.Header}
		if r.head != nil {
			r.head(response.Header)
		}
		if r.trick == Head {
			answer.Raw = raw.String()
			return answer, nil
		}
		if response.StatusCode == http.StatusSwitchingProtocols {
			_ = conn.SetReadDeadline(time.Now().Add(socketTime))
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		if response.StatusCode == http.StatusSwitchingProtocols {
			_, _ = io.Copy(io.Discard, io.LimitReader(reader, 1<<16))
		}
		answer.Raw, answer.Text = raw.String(), string(tap.Decoded(response.Header, body))
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return answer, err
	}
}

// sendSecond sends a request over HTTP/2.
func (w *wire) sendSecond(r request) (Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	target, query, _ := strings.Cut(r.target, "?")
	request, err := http.NewRequestWithContext(ctx, r.method, "https://"+w.address+"/", strings.NewReader(r.body))
	if err != nil {
		return Answer{}, err
	}
	request.URL.Opaque, request.URL.RawQuery = "//"+w.address+target, query
	for _, line := range r.lines {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := w.second.RoundTrip(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	var head bytes.Buffer
	_ = response.Header.Write(&head)
	_ = response.Trailer.Write(&head)
	return Answer{
		Raw: head.String() + "\r\n" + string(body), Text: string(tap.Decoded(response.Header, body)), Status: response.StatusCode, Header: response.Header,
	}, err
}
