// Package recovery implements recovery codes as a kind of factor. A set of them replaces another factor that was lost;
// alone it is no second factor.
package recovery
