package presets

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/e2e/apps"
	"sallyport.example/sallyport/test/site"
)

// openDoors counts the doors that open the app itself, without the gateway, with the password alone. It is the control:
// the suite should try doors that do open.
func openDoors(t testing.TB, a app, running *apps.App) (count int) {
	t.Helper()
	direct := &site.Site{Address: running.Address, URL: running.URL}
	for _, door := range a.doors {
		c := direct.Client(t)
		if a.shows(c.Do(door.method, door.path, door.header.Clone(), door.body)) {
			count++
			continue
		}
		for _, read := range a.reads {
			header := read.header.Clone()
			if password := door.header["Authorization"]; len(password) == 1 {
				if header == nil {
					header = make(http.Header)
				}
				header["Authorization"] = password
			}
			if a.shows(c.Do("GET", read.path, header, "")) {
				count++
				break
			}
		}
	}
	return count
}

// shows reports whether an answer has protected content, or a token for it.
func (a *app) shows(answer site.Answer) bool {
	if answer.StatusCode/100 != 2 {
		return false
	}
	if strings.Contains(answer.Text, `access_token":"ey`) || strings.Contains(answer.Text, `"session_id":"`) {
		return true
	}
	for _, read := range a.reads {
		if read.text != "" && strings.Contains(answer.Text, read.text) {
			return true
		}
	}
	return false
}
