package presets

// all are the apps that the suite is run on: here the light ones, and those of allapps_test.go where that is built in.
var all = []app{znc, qBittorrent, mediaWiki, phpMyAdmin, wordPress, icingaWeb2}
