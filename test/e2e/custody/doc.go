// Package custody has the attacks on what custody believes, over the wire: each way past the gate that was ever found,
// with an app of the test's own that is open to it. Each test shows three things. The very request works against the
// app itself; the honest use goes through the gateway; and whoever has only the password is no further than before, to
// the end: the app's own log of whom it took each request for counts, not a status.
package custody
