// Package inject puts a small piece of markup into HTML pages of an app while they stream through: every byte of the
// app's goes out unchanged and in order, and only the markup is added. It says as well which answers may be changed so,
// and which of their headers no longer hold afterwards. Plain net/http; it knows nothing of the rest of the gateway.
//
// The place matters for more than looks. Were the markup put into an attribute's value, its quotes would end the value,
// and what a user of the app could write into that attribute, well escaped, would become markup: a hole in an app that
// had none. So the place is found as browsers find it, by the tokenizer of the HTML standard (§13.2.5), and where only
// the whole tree would tell how the text is to be read, nothing is put in.
package inject
