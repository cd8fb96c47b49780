package walk

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/test/e2e/tap"
)

// Placeholders for the attacker's own enrolled account in a sequence, until it is played.
const (
	OwnName     = "{own}"
	OwnPassword = "{own-password}"
)

// chooser makes sequences up.
type chooser struct {
	*rand.Rand
	target *Target
	// wrong: all passwords in this sequence are wrong.
	wrong bool
	last  int
}

// choose makes the sequence of a seed.
func choose(target *Target, seed uint64) Sequence {
	c := &chooser{Rand: rand.New(rand.NewPCG(seed, 12)), target: target} // a walk that can be replayed
	c.wrong = c.chance(6)
	var sequence Sequence
	if c.chance(30) || len(c.target.Headers) > 0 && c.chance(60) {
		sequence.Habit = []string{c.habit()}
	}
	if c.chance(25) {
		sequence.Moves = append(sequence.Moves, Move{Kind: SignIn, What: c.own(), Client: c.client()})
	}
	for range 2 + c.IntN(5) {
		move := c.move()
		move.Client = c.client()
		sequence.Moves = append(sequence.Moves, move)
		if move.Kind == Send && move.Right != "" && c.chance(35) {
			sequence.Moves = append(sequence.Moves, Move{Kind: Look, Client: move.Client})
		}
	}
	return sequence
}

// habit returns a header line for every request, mostly one to which this app may react in an unexpected way.
func (c *chooser) habit() string {
	if len(c.target.Headers) > 0 && c.chance(70) {
		return pick(c, c.target.Headers)
	}
	return pick(c, habits)
}

// query returns a query to which this app may react in an unexpected way, or one of those for all apps.
func (c *chooser) query() string {
	if len(c.target.Queries) > 0 && c.chance(60) {
		return pick(c, c.target.Queries)
	}
	return pick(c, queries)
}

// own returns an account of the attacker.
func (c *chooser) own() string {
	if len(c.target.Enrolled) > 0 && c.chance(40) {
		return OwnName
	}
	return c.target.Plain.Typed[0]
}

// chance is true in so many of a hundred cases.
func (c *chooser) chance(percent int) bool { return c.IntN(100) < percent }

func pick[T any](c *chooser, all []T) T { return all[c.IntN(len(all))] }

// client returns a browser, mostly the previous one.
func (c *chooser) client() int {
	if c.chance(20) {
		c.last = c.IntN(browsers)
	}
	return c.last
}

func (c *chooser) move() Move {
	if c.target.hasFurther() && c.chance(15) {
		return c.further()
	}
	switch n := c.IntN(100); {
	case n < 6:
		return Move{Kind: SignIn, What: c.own()}
	case n < 58:
		return c.login()
	case n < 72:
		return c.load()
	case n < 80:
		what := ""
		if c.chance(30) {
			what = remembering
		}
		return Move{Kind: Code, What: what}
	case n < 82:
		return Move{Kind: Recovery}
	case n < 84:
		return Move{Kind: SetUp}
	case n < 87:
		return Move{Kind: Leave}
	case n < 93:
		return Move{Kind: Copy, From: c.IntN(browsers), What: pick(c, []string{theGateways, theApps})}
	case n < 95:
		return Move{Kind: Replay, From: c.IntN(4)}
	default:
		return Move{Kind: Look}
	}
}

// person returns whom a login is for: the typed name, the password, and the account whose right password it is.
func (c *chooser) person() (name, password, right string) {
	account := c.target.Plain
	switch n := c.IntN(100); {
	case n < 48:
		account = c.target.Owner
	case n < 60 && len(c.target.Enrolled) > 0:
		account = Account{Typed: []string{OwnName}, Password: OwnPassword}
	case n < 70 && !c.target.Listed:
		return "nobody", "guess", ""
	}
	name, password, right = account.Typed[0], account.Password, account.Typed[0]
	if c.chance(12) && !c.target.Listed {
		name = pick(c, account.Typed)
	}
	if c.wrong || c.chance(8) {
		return name, "wrong", ""
	}
	return name, password, right
}

// login returns a request with a name and a password, in a random way.
func (c *chooser) login() Move {
	doors := c.target.Doors
	if len(c.target.More) > 0 && c.chance(25) {
		doors = c.target.More
	}
	door := doors[0]
	if c.chance(40) {
		door = pick(c, doors)
	}
	name, password, right := c.person()
	move := Move{Kind: Send, Method: "POST", Right: right}
	path, query := door.Path, ""
	if at := strings.IndexByte(path, '?'); at >= 0 {
		path, query = path[:at], path[at+1:]
	}
	c.credentials(&move, door, name, password, &query)
	if c.chance(20) {
		path = c.path(path)
	}
	if c.chance(45) {
		query = join(query, c.query())
	}
	if c.chance(25) {
		move.Method = pick(c, methods)
	}
	move.Target = path
	if query != "" {
		move.Target += "?" + query
	}
	c.headers(&move)
	c.trick(&move)
	return move
}

// credentials puts a name and a password into a request.
func (c *chooser) credentials(move *Move, door Door, name, password string, query *string) {
	fields := door.Form
	if fields[0] == "" {
		fields = [2]string{"username", "password"}
	}
	form := url.Values{fields[0]: {name}, fields[1]: {password}}
	for field, list := range door.More {
		form[field] = list
	}
	if c.chance(12) {
		// Another field, or the same one again, has another name.
		other, _, _ := c.person()
		field := pick(c, []string{"email", "user", "login", fields[0]})
		if c.chance(50) {
			form[field] = append([]string{other}, form[field]...)
		} else if password != "wrong" {
			form[field] = append([]string{name}, form[field]...)
			form[fields[0]] = append([]string{"nobody"}, form[fields[0]][1:]...)
		}
	}
	if c.chance(6) && fields[0] != "email" {
		// Only another field has the name, which the gateway's configuration does not mention.
		delete(form, fields[0])
		form["email"] = []string{name}
	}
	encoded := form.Encode()
	if door.Token != "" {
		encoded += "&" + url.QueryEscape(door.Token) + "={token}"
		move.Token = door.Page + " " + door.Token
	}
	way := c.IntN(100)
	switch {
	case door.Basic && way < 80, way >= 96:
		move.Header = append(move.Header, "Authorization: "+basic(name, password))
		if c.chance(60) {
			move.Method = "GET"
		}
	case door.JSON != "" && way < 80, way >= 91:
		document := door.JSON
		if document == "" {
			document = `{"` + fields[0] + `":%q,"` + fields[1] + `":%q}`
		}
		move.Body = fmt.Sprintf(document, name, password)
		move.Header = append(move.Header, "Content-Type: application/json")
		if c.chance(50) {
			move.Header = append(move.Header, "Accept: application/json", "Sec-Fetch-Mode: cors")
		}
	case way < 9:
		*query = join(*query, encoded)
		if c.chance(70) {
			move.Method = pick(c, []string{"GET", "GET", "HEAD", "POST"})
		}
	case way < 15:
		var body strings.Builder
		for _, field := range slices.Sorted(maps.Keys(form)) {
			for _, value := range form[field] {
				fmt.Fprintf(&body, "--edge\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", field, value)
			}
		}
		move.Body = body.String() + "--edge--\r\n"
		move.Header = append(move.Header, "Content-Type: multipart/form-data; boundary=edge")
	default:
		move.Body = encoded
		move.Header = append(move.Header, "Content-Type: application/x-www-form-urlencoded")
		if c.chance(8) {
			move.Method = "GET"
		}
	}
	move.Chunked = move.Body != "" && c.chance(10)
}

func basic(name, password string) string {
	switch {
	case name == OwnName && password == OwnPassword:
		return "Basic {own-basic}"
	case name == OwnName:
		password = "wrong" // in this sequence, for any account
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func join(query, more string) string {
	switch {
	case query == "":
		return more
	case more == "":
		return query
	}
	return query + "&" + more
}

// path returns another address than the door's, or another spelling of it.
func (c *chooser) path(path string) string {
	switch n := c.IntN(10); {
	case n < 4:
		return pick(c, slices.Concat(c.target.Pages, c.target.Public, []string{"/missing", "/static/missing", "/robots.txt"}))
	case n < 6:
		return pick(c, c.target.Public)
	default:
		return pick(c, []string{
			path + "/", "/" + path, path + ";x", path + "%20", path + ".", path + "%00", "/x/.." + path, strings.ToUpper(path), "/%6c" + strings.TrimPrefix(path, "/l"),
		})
	}
}

// load returns a request without a password.
func (c *chooser) load() Move {
	move := Move{Kind: Send, Method: "GET"}
	move.Target = pick(c, slices.Concat(c.target.Pages, c.target.Public, []string{"/missing", "/static/missing"}))
	if c.chance(10) {
		move.Target = c.target.Base + pick(c, []string{"/", "/resume", "/setup", "/reset", "/disable", "/recovery-codes", "/offer"})
	}
	if c.chance(35) {
		move.Method = pick(c, methods)
		if c.chance(50) {
			move.Body = "text=x&amount=1"
			move.Header = []string{"Content-Type: application/x-www-form-urlencoded"}
		}
	}
	if c.chance(40) && !strings.Contains(move.Target, "?") {
		move.Target += "?" + c.query()
	}
	c.headers(&move)
	if len(c.target.Sockets) > 0 && c.chance(8) {
		move.Method, move.Body, move.Trick = "GET", "", Socket
		move.Target = pick(c, slices.Concat(c.target.Sockets, c.target.Public))
		return move
	}
	if c.chance(10) {
		move.Method, move.Body, move.Trick = "GET", "", Live
		return move
	}
	if c.chance(25) {
		// The request is under way while something else happens.
		move.Trick = Slow
		if c.chance(70) {
			path, _, _ := strings.Cut(move.Target, "?")
			move.Target = path + "?" + tap.Parameter + "=hold:120"
		}
		return move
	}
	c.trick(&move)
	return move
}
