// Package custody has the attacks on what custody believes, over the wire: each way past the gate that was ever found,
// with a test's own app that is open to it. Each test shows three things. The very request works against the app
// itself. The honest use goes through the gateway. And somebody who has only the password gets no further than before,
// to the very end. What counts is the app's own log of whom it took each request for, and not a status.
package custody
