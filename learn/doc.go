// Package learn proposes the settings of a site from what a browser and the app said to each other: a few exchanges in
// which somebody opened the login page, signed in with a wrong password and with the right one, opened a page that names
// the account, and signed out.
//
// It believes what the app did, not what things are called: a name only ranks what was seen, or says where to look. What
// cannot be seen in the exchanges is not proposed but listed in Proposal.Missing.
//
// The exchanges hold passwords, cookies and tokens. They stay in memory. Nothing that a Proposal writes holds one:
// values of the app's are compared with all of them first (Recording.Secret), and addresses are written without those
// parts of their query that are not needed.
package learn
