// Package custody keeps the app's cookies in the gateway instead of in the browser, and rebuilds what a request carries
// to the app.
//
// On the way back, [Policy.Sort] divides an answer's Set-Cookie lines into those that are held and those that the
// browser may have, and [Jar.Apply] stores the held ones as a browser would (RFC 6265 §5.3). On the way in,
// [Policy.CookieHeader] writes a new Cookie header from the jar and from the few names that a browser may send; the
// client's header is never edited in place. [HeaderPolicy.Clean] removes the headers with which a client could pass for
// somebody, or for the gateway.
//
// Everything here is pure: no I/O, no state but what is handed in. All methods may be called concurrently, as long as
// nobody changes a policy or assigns to a jar meanwhile.
package custody
