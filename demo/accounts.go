package demo

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// account is a user with the password hashed.
type account struct {
	User
	hash []byte
}

// accounts never change after they are made.
type accounts struct {
	all    []*account
	byName map[string]*account
	// nobody is the hash to compare with if there is no such account, so that both cases take the same time.
	nobody []byte
}

func newAccounts(users []User, cost int) *accounts {
	as := &accounts{byName: map[string]*account{}, nobody: mustHash(rand.Text(), cost)}
	for _, user := range users {
		if user.Name == "" {
			user.Name = user.Login
		}
		who := &account{User: user, hash: mustHash(user.Password, cost)}
		who.Password = ""
		as.all = append(as.all, who)
		for _, name := range []string{foldName(user.Login), foldName(user.Email)} {
			if as.byName[name] != nil {
				panic(fmt.Sprintf("demo: two accounts answer to %q", name))
			}
			if name != "" {
				as.byName[name] = who
			}
		}
	}
	return as
}

func mustHash(password string, cost int) []byte {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		panic("demo: hashing a password: " + err.Error())
	}
	return hash
}

// foldName makes ALICE and " alice " the same as alice, as in many real apps.
func foldName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// find returns the account of a name, nil if there is none.
func (as *accounts) find(name string) *account { return as.byName[foldName(name)] }

// check returns the account if the password is right, else nil.
func (as *accounts) check(name, password string) *account {
	who := as.find(name)
	hash := as.nobody
	if who != nil {
		hash = who.hash
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil {
		return nil
	}
	return who
}

// byKey returns the account with that API key, else nil.
func (as *accounts) byKey(key string) *account {
	for _, who := range as.all {
		if who.APIKey != "" && subtle.ConstantTimeCompare([]byte(who.APIKey), []byte(key)) == 1 {
			return who
		}
	}
	return nil
}

// resets are the unused password-reset links.
type resets struct {
	mu     sync.Mutex
	logins map[string]string
}

func newResets() *resets { return &resets{logins: map[string]string{}} }

func (rs *resets) put(token, login string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.logins[token] = login
}

func (rs *resets) add(login string) string {
	token := rand.Text()
	rs.put(token, login)
	return token
}

// take uses a token up, and returns its account.
func (rs *resets) take(token string) (login string, ok bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	login, ok = rs.logins[token]
	delete(rs.logins, token)
	return login, ok
}
