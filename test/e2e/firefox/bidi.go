package firefox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// connection speaks WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): commands with one answer each, and events.
type connection struct {
	socket *websocket.Conn

	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	broken  error
	// event is called for each event, in turn. It must not wait for an answer.
	event func(method string, params json.RawMessage)
}

// message is what the browser sends.
type message struct {
	Type    string          `json:"type"`
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// maxMessage is how long a message may be: one can contain a picture of a page.
const maxMessage = 64 << 20

func connect(ctx context.Context, address string, event func(string, json.RawMessage)) (*connection, error) {
	socket, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(maxMessage)
	c := &connection{socket: socket, waiting: make(map[int]chan message), event: event}
	go c.read()
	return c, nil
}

func (c *connection) close() { _ = c.socket.CloseNow() }

// read passes on answers and events until the connection ends.
func (c *connection) read() {
	for {
		_, data, err := c.socket.Read(context.Background())
		var m message
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		if err != nil {
			c.mu.Lock()
			c.broken = err
			for id, waiting := range c.waiting {
				delete(c.waiting, id)
				close(waiting)
			}
			c.mu.Unlock()
			return
		}
		if m.Type == "event" {
			c.event(m.Method, m.Params)
			continue
		}
		c.mu.Lock()
		waiting := c.waiting[m.ID]
		delete(c.waiting, m.ID)
		c.mu.Unlock()
		if waiting != nil {
			waiting <- m
		}
	}
}

// call sends a command and waits for its result. result may be nil.
func (c *connection) call(ctx context.Context, method string, params, result any) error {
	answer := make(chan message, 1)
	c.mu.Lock()
	if c.broken != nil {
		c.mu.Unlock()
		return fmt.Errorf("%s: the connection is broken: %w", method, c.broken)
	}
	c.last++
	id := c.last
	c.waiting[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	command, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		return err
	}
	// Not with ctx: when that ends, the whole connection would be closed.
	if err := c.socket.Write(context.Background(), websocket.MessageText, command); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case m, ok := <-answer:
		switch {
		case !ok:
			return errors.New(method + ": the connection broke")
		case m.Type == "error":
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	}
}
