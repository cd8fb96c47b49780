// Package locale holds the words that people are shown, in each language: catalogues by key, with plurals, numbers,
// times and the direction of writing. Pages show them, and so does whatever else speaks to people.
package locale
