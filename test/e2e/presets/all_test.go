package presets

// all are the apps that the suite is run on: here the light ones; allapps_test.go adds the rest where it is built in.
var all = []app{djangoAdmin, dokuWiki, qBittorrent, transmission, znc}
