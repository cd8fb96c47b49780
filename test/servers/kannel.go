package servers

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"sallyport.example/sallyport/test/process"
)

// KannelUser is who may send where a Kannel asks for a password, which is Password.
const KannelUser = "tester"

// KannelForm is what a request to a Kannel says, as a template of `body form`. It is sent with GET: Kannel takes no
// form in a body.
const KannelForm = "username=" + KannelUser + "&password=" + EscapedPassword + "&charset=utf-8&coding=2&to={sms.to}&text={sms.text}"

// fakeSMSC is where Debian keeps what stands for a telephone network.
const fakeSMSC = "/usr/lib/kannel/test/fakesmsc"

// Kannel is a gateway for text messages, with a telephone network behind it that keeps what it gets.
type Kannel struct {
	// URL is where it takes messages.
	URL string

	box, bearer, network *server
}

// StartKannel runs one. Its bearerbox listens for the network at all addresses, which cannot be helped, and hangs up on
// whoever is not of this machine.
func StartKannel(t testing.TB) *Kannel {
	t.Helper()
	if _, err := os.Stat(fakeSMSC); err != nil {
		t.Fatal("Kannel's fakesmsc is not installed; scripts/install-test-packages installs it")
	}
	k := &Kannel{box: newServer(t, "smsbox"), bearer: newServer(t, "bearerbox"), network: newServer(t, "fakesmsc")}
	k.URL = "http://" + k.box.address + "/cgi-bin/sendsms"
	admin, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf(`group = core
admin-interface = "127.0.0.1"
admin-port = %s
admin-password = "%[5]s"
smsbox-interface = "127.0.0.1"
smsbox-port = %[2]s

group = smsc
smsc = fake
host = 127.0.0.1
port = %[3]s
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = %[2]s
sendsms-interface = "127.0.0.1"
sendsms-port = %[4]s
global-sender = 13013

group = sendsms-user
username = %[6]s
password = "%[5]s"
concatenation = true
max-messages = 10
`, port(t, admin), port(t, k.bearer.address), port(t, k.network.address), port(t, k.box.address), Password, KannelUser)
	file := filepath.Join(k.bearer.Folder, "kannel.conf")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	k.bearer.run([]string{kannelProgram(t, "bearerbox"), file}, func() error { return dials(t, k.bearer.address) })
	// It ends with its input.
	k.network.run([]string{"sh", "-c", "tail -f /dev/null | exec " + fakeSMSC + " -H 127.0.0.1 -r " + port(t, k.network.address)}, func() error {
		if !strings.Contains(k.bearer.process.Log(), "Fakesmsc client connected") {
			return fmt.Errorf("it is not connected")
		}
		return nil
	})
	k.box.run([]string{kannelProgram(t, "smsbox"), file}, func() error { return dials(t, k.box.address) })
	return k
}

// TextMessage is a text message as it came.
type TextMessage struct{ To, Text string }

// fromNetwork is a line about a message: sender, number, in which alphabet, perhaps which part of it, and what it says.
var fromNetwork = regexp.MustCompile(`Got message \d+: <\S+ (\S+) (?:ucs-2|udh (\S+) \S+) (\S*)>`)

// Messages are what has come so far, in parts or as a whole, the oldest first.
func (k *Kannel) Messages() (all []TextMessage) {
	k.network.t.Helper()
	more := 0
	for _, line := range fromNetwork.FindAllStringSubmatch(k.network.process.Log(), -1) {
		header, text := unescaped(k.network.t, line[2]), wide(unescaped(k.network.t, line[3]))
		if more > 0 {
			all[len(all)-1].Text += text
			more--
			continue
		}
		if len(header) == 6 { // length, IE, length, reference, parts, this part
			more = int(header[4]) - 1
		}
		all = append(all, TextMessage{To: line[1], Text: text})
	}
	if more > 0 {
		return all[:len(all)-1] // the rest of it is to come
	}
	return all
}

// Wait waits until so many messages have come, and returns them all.
func (k *Kannel) Wait(count int) []TextMessage {
	k.network.t.Helper()
	for deadline := time.Now().Add(readyTimeout); ; time.Sleep(20 * time.Millisecond) {
		if all := k.Messages(); len(all) >= count {
			return all
		} else if time.Now().After(deadline) {
			k.network.t.Fatalf("%d text messages came, want %d", len(all), count)
		}
	}
}

// Kill ends the gateway, and not the network.
func (k *Kannel) Kill() {
	k.box.Kill()
	k.bearer.Kill()
}

func unescaped(t testing.TB, text string) string {
	t.Helper()
	plain, err := url.QueryUnescape(text)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// wide is the text of UTF-16, the high byte first.
func wide(raw string) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	return string(utf16.Decode(units))
}

func port(t testing.TB, address string) string {
	t.Helper()
	_, number, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func dials(t testing.TB, address string) error {
	line, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	return line.Close()
}

// kannelProgram finds a program of Kannel, which Debian keeps off the path of people who are not root.
func kannelProgram(t testing.TB, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed; scripts/install-test-packages installs it", name)
	return ""
}
