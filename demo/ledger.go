package demo

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// entryLimit bounds the entries of one account.
	entryLimit = 1000
	// textLimit bounds an entry's text, in characters.
	textLimit = 120
)

// Errors of an entry. Users see their texts.
var (
	errText   = errors.New("say in 1 to 120 characters what it was")
	errAmount = errors.New("the amount is a number such as 12.50 or -3")
	errFull   = errors.New("the ledger is full")
)

// entry is one line of a ledger.
type entry struct {
	id    int
	date  time.Time
	text  string
	cents int64
}

// ledgers holds the entries of each account.
type ledgers struct {
	now func() time.Time
	mu  sync.Mutex
	of  map[string][]entry
}

func newLedgers(now func() time.Time) *ledgers {
	return &ledgers{now: now, of: map[string][]entry{}}
}

// opening returns the entries that each ledger starts with.
func opening(login string) []entry {
	day := func(d int) time.Time { return time.Date(2026, time.November, d, 0, 0, 0, 0, time.UTC) }
	return []entry{
		{1, day(2), "Opening balance of " + login, 120_000},
		{2, day(5), "Rent, November", -64_000},
		{3, day(9), "Groceries", -8_245},
		{4, day(16), "Invoice 2026-117", 31_500},
	}
}

// entries returns the account's list. The caller holds the lock.
func (ls *ledgers) entries(login string) []entry {
	if ls.of[login] == nil {
		ls.of[login] = opening(login)
	}
	return ls.of[login]
}

// list returns a copy, the oldest first, and the sum.
func (ls *ledgers) list(login string) (all []entry, balance int64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	all = append(all, ls.entries(login)...)
	for _, e := range all {
		balance += e.cents
	}
	return all, balance
}

// add checks and appends an entry of today.
func (ls *ledgers) add(login, text, amount string) (entry, error) {
	text = strings.TrimSpace(text)
	if length := utf8.RuneCountInString(text); !utf8.ValidString(text) || length == 0 || length > textLimit {
		return entry{}, errText
	}
	cents, err := parseAmount(amount)
	if err != nil {
		return entry{}, err
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	all := ls.entries(login)
	if len(all) >= entryLimit {
		return entry{}, errFull
	}
	made := entry{id: len(all) + 1, date: ls.now().UTC(), text: text, cents: cents}
	ls.of[login] = append(all, made)
	return made, nil
}

// parseAmount reads an optional sign, up to nine digits, and up to two more after a point or a comma.
func parseAmount(text string) (int64, error) {
	text = strings.TrimSpace(text)
	number, negative := strings.CutPrefix(text, "-")
	whole, part, split := strings.Cut(strings.Replace(number, ",", ".", 1), ".")
	if len(whole) == 0 || len(whole) > 9 || len(part) > 2 || split && len(part) == 0 {
		return 0, errAmount
	}
	var cents int64
	for _, digit := range []byte((whole + part + "00")[:len(whole)+2]) {
		if digit < '0' || digit > '9' {
			return 0, errAmount
		}
		cents = cents*10 + int64(digit-'0')
	}
	if negative {
		cents = -cents
	}
	return cents, nil
}

// formatAmount is the reverse of parseAmount.
func formatAmount(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// ledgerView has what the dashboard shows.
type ledgerView struct {
	common
	Entries      []entryView
	Balance      string
	Text, Amount string // what was typed, if it was refused
}

type entryView struct {
	entryJSON
	Negative bool
}

func (a *App) showLedger(w http.ResponseWriter, r *http.Request, who visitor) {
	a.ledgerPage(w, r, who, http.StatusOK, "", "", "")
}

func (a *App) ledgerPage(w http.ResponseWriter, r *http.Request, who visitor, status int, alert, text, amount string) {
	all, balance := a.ledgers.list(who.login)
	view := ledgerView{common: a.common(w, r, "Ledger"), Balance: formatAmount(balance), Text: text, Amount: amount}
	view.Alert = alert
	for i := len(all) - 1; i >= 0; i-- {
		view.Entries = append(view.Entries, entryView{all[i].json(), all[i].cents < 0})
	}
	a.render(w, r, status, "ledger", view)
}

func (a *App) addEntry(w http.ResponseWriter, r *http.Request, who visitor) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	if err := parseForm(r); err != nil {
		a.message(w, r, http.StatusBadRequest, "Not understood", "The form could not be read.")
		return
	}
	text, amount := r.PostFormValue("text"), r.PostFormValue("amount")
	if !a.sameToken(r, who, r.PostFormValue("csrf")) {
		a.ledgerPage(w, r, who, http.StatusForbidden, "The form has expired. Please try again.", text, amount)
		return
	}
	if _, err := a.ledgers.add(who.login, text, amount); err != nil {
		a.ledgerPage(w, r, who, http.StatusUnprocessableEntity, "Not added: "+err.Error()+".", text, amount)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
